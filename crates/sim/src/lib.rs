//! The loop, topology, apps, experiments, records and reports of faultwire.
