#!/bin/sh
# Whole deployments under seeded faults, a few of them: "make sim" runs more.
exec build/release/bin/counterfoil-sim --seeds 60
