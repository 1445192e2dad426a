// Package ucum reads case-sensitive UCUM unit expressions, tells whether they
// are valid, and converts between units of one dimension, exactly: values are
// fractions, so 1 [lb_av] is 0.45359237 kg and nothing near it.
//
//	Parse(code) (Unit, error)            the unit; the error says what is wrong where
//	Valid(code) bool                     whether the code is one, without building it
//	Unit.Comparable(Unit) bool           whether values convert
//	Unit.Dimension() [7]int              exponents of m, s, g, rad, K, C, cd
//	Unit.Canonical() string              the base units: "m-3.g"
//	Convert(value, from, to)             exact, temperatures included
//	Multiply(a, b, power)                the unit of a product or quotient
//
// An unknown unit is an error, never a guess. Arbitrary units ([iU]) compare
// with themselves only.
//
//   - https://ucum.org/ucum
package ucum
