//go:build race

package fhirpath_test

// slack is how many allocations the race detector adds: it empties pools at
// random.
const slack = 4
