// Package ucum reads case-sensitive UCUM unit expressions, tells whether they
// are valid, and converts between units of one dimension, exactly: values are
// fractions, so 1 [lb_av] is 0.45359237 kg and nothing near it.
//
//	Parse(code) (Unit, error)            the unit; the error says what is wrong where
//	Valid(code) bool                     whether the code is one, without building it
//	Unit.Comparable(Unit) bool           whether values convert
//	Unit.Dimension() [7]int              exponents of m, s, g, rad, K, C, cd
//	Unit.Canonical() string              the base units: "m-3.g"
//	Unit.Special() bool                  degrees, pH, dB: no multiples of a unit
//	Convert(value, from, to)             exact; logarithms and angles to 30 digits
//	Scale(coef, scale, from, to)         the same in 64 bits, without allocation
//	Multiply(a, b, power)                the unit of a product or quotient
//
// An unknown unit is an error, never a guess; the error says what may be meant
// (mmHg: write mm[Hg]). Arbitrary units ([iU]) compare with themselves only, and
// a special unit is no part of a product. Amounts of substance are numbers in
// UCUM, so that 1 mol equals 6.02214076×10²³; who must not mix them compares the
// text of units too.
//
// The tables are generated from ucum-essence.xml of UCUM 2.2 and hold codes and
// figures alone; nothing is added to them or changed. UCUM is copyright
// Regenstrief Institute, Inc., under its own licence: https://ucum.org/license.
//
// The package keeps the first 2,000 units that it read, and nothing else.
//
//   - https://ucum.org/ucum
package ucum
