package schema

// Apply is apply, for the tests.
var Apply = apply
