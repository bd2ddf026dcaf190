//! What a person or a script talks to.
