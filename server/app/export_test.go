package app

// Pace is pace for the tests.
var Pace = pace

// SameDefinition is sameDefinition.
var SameDefinition = sameDefinition

// OpenGuide is openGuide.
var OpenGuide = openGuide
