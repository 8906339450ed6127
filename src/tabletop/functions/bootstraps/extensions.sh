#!/bin/sh
# Starts a function's external extensions, then its runtime beside them, and ends as the runtime ends.
#
# extensions.sh EXTENSION... -- COMMAND...
while [ "$1" != -- ]; do
    "$1" &
    shift
done
shift
"$@"
exit $?
