FROM eclipse-temurin:21-jre
COPY target/app.jar /app.jar
ENV JAVA_TOOL_OPTIONS="-Duser.timezone=UTC"
ENTRYPOINT ["java","-jar","/app.jar"]
