//! Lessons, places and invitations in embedded SQLite.
