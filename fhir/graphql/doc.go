// Package graphql answers GraphQL queries over FHIR resources: a strict parser,
// a check against the types of R4 before anything is read, and an executor with
// limits.
//
// It does no I/O. What it reads, and what it changes, goes through the
// interfaces Source and Writer of the caller, who judges what may be seen. It
// keeps nothing between queries but what it learned of the types.
//
// Two documents rule it, and where the examples and official cases of the first
// go beyond the second, they are followed: an element that is absent is left out
// of the answer rather than null, an enumeration stands for a string, and empty
// parentheses are no arguments. Two selections of one field are merged, as the
// second says.
//
//   - https://hl7.org/fhir/R4/graphql.html
//   - https://spec.graphql.org/October2021/
package graphql
