"""AWS's wire protocols as pure functions between bytes and values: no sockets, no store, no clock."""
