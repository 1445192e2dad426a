// Package ucum reads case-sensitive UCUM unit expressions and converts between
// units of one dimension, exactly.
//
// It knows the base units, the prefixes, and the atoms that clinical and
// engineering quantities use, not the whole table: an unknown unit is an error,
// never a guess. Arbitrary units ([iU]) compare with themselves only; of the
// special units it converts the temperatures. Conversion of a value is done
// with fractions, so 1 [lb_av] is 0.45359237 kg and nothing near it.
//
//   - https://ucum.org/ucum
package ucum
