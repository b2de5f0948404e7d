"""The contract with an implementation: its descriptor, and the values that descriptors may ask for."""
