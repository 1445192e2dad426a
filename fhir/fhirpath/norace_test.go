//go:build !race

package fhirpath_test

const slack = 0
