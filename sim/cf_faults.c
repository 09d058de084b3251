#include "cf_faults.h"

char const *const cf_fault_names[CF_FAULT_KINDS] = {
    [CF_FAULT_LOST_REQUEST] = "request lost",
    [CF_FAULT_LOST_REPLY] = "reply lost",
    [CF_FAULT_REPEAT] = "request repeated",
    [CF_FAULT_DELAY] = "message delayed",
    [CF_FAULT_CRASH] = "crash at an effect",
    [CF_FAULT_LOST_WRITE] = "write lost",
    [CF_FAULT_TORN_WRITE] = "write torn",
    [CF_FAULT_SLOW_FILE] = "side lane slow",
    [CF_FAULT_ENCLAVE] = "enclave ended",
    [CF_FAULT_CLOCK] = "clock jumped",
    [CF_FAULT_OLD_DISK] = "older disk",
    [CF_FAULT_TWIN] = "twin started",
    [CF_FAULT_REPLAY] = "old envelope put into a batch",
    [CF_FAULT_EARLY] = "shown with k-1 cosignatures",
    [CF_FAULT_STALE_VIEW] = "old view shown again",
    [CF_FAULT_FORGETFUL] = "witness forgot what it signed",
    [CF_FAULT_FORGED] = "content forged with a stolen key",
};

char const *const cf_happened_names[CF_HAPPENED_KINDS] = {
    [CF_HAPPENED_RECEIPT] = "receipts",
    [CF_HAPPENED_INPUT] = "inputs taken",
    [CF_HAPPENED_REFUSED] = "inputs refused",
    [CF_HAPPENED_PROMISE] = "promises",
    [CF_HAPPENED_BOOT] = "boot entries",
    [CF_HAPPENED_REGISTER] = "registrations",
    [CF_HAPPENED_RESULT] = "results opened",
    [CF_HAPPENED_CONTENT] = "settlements let out",
    [CF_HAPPENED_SETTLED] = "settlements executed",
    [CF_HAPPENED_ABANDON] = "contents abandoned",
    [CF_HAPPENED_SNAPSHOT] = "snapshots",
    [CF_HAPPENED_ROLLED_BACK] = "rolled-back disks refused",
    [CF_HAPPENED_STOPPED] = "instances stopped by a twin",
    [CF_HAPPENED_RESTORED] = "newest disks put back",
    [CF_HAPPENED_SPLIT] = "logs split for good",
};
