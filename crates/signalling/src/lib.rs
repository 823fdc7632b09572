//! Messages between pages and server and the session state machine: pure.
