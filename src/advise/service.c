/* One table. */
#include "advise/service.h"

#include "advise/document.h"

const struct visor_service *visor_service_find(const char *name)
{
    static const struct visor_service services[] = {
        {"169.254.169.123", VISOR_CLOUD_AWS, true, false, true},
        {"fd00:ec2::123", VISOR_CLOUD_AWS, true, false, true},
        {"time.aws.com", VISOR_CLOUD_NONE, true, false, true},
        {"metadata.google.internal", VISOR_CLOUD_GCP, true, false, true},
        {"metadata.google.internal.", VISOR_CLOUD_GCP, true, false, true},
        {"time.google.com", VISOR_CLOUD_NONE, true, false, true},
        {"time1.google.com", VISOR_CLOUD_NONE, true, false, true},
        {"time2.google.com", VISOR_CLOUD_NONE, true, false, true},
        {"time3.google.com", VISOR_CLOUD_NONE, true, false, true},
        {"time4.google.com", VISOR_CLOUD_NONE, true, false, true},
        {"time.android.com", VISOR_CLOUD_NONE, true, false, true},
        {"time.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"time1.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"time2.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"time3.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"time4.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"time5.facebook.com", VISOR_CLOUD_NONE, true, false, true},
        {"169.254.169.254", VISOR_CLOUD_ORACLE, false, false, true},
        {".cloud.aliyuncs.com", VISOR_CLOUD_ALIBABA, false, false, false},
        {"100.100.61.88", VISOR_CLOUD_ALIBABA, false, false, false},
        {".tencentyun.com", VISOR_CLOUD_TENCENT, false, false, false},
        {".pool.ntp.org", VISOR_CLOUD_NONE, false, true, false},
        {"ntp.ubuntu.com", VISOR_CLOUD_NONE, false, false, true},
        {".ptb.de", VISOR_CLOUD_NONE, false, false, false},
        {".nist.gov", VISOR_CLOUD_NONE, false, false, false},
        {".netnod.se", VISOR_CLOUD_NONE, false, false, false},
        {"ntp.metas.ch", VISOR_CLOUD_NONE, false, false, false},
        {"pool.ntp.org", VISOR_CLOUD_NONE, false, true, false},
    };

    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (services[i].name[0] == '.' ? visor_ends(name, services[i].name)
                                       : visor_same(name, services[i].name))
            return &services[i];
    return NULL;
}
