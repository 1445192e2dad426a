// Package fhirpath compiles FHIRPath expressions once, against the FHIR type
// metadata, into closures that run on the nodes of package tree.
//
// It implements the normative release N1 with the parts of the later trial-use
// text that the official R4 suite exercises (sort, boundaries, precision,
// encodings), and the functions that FHIR R4 adds. An expression is immutable
// and may be evaluated by many goroutines at once. Every evaluation is bounded
// in steps, results and text, every compilation in length and nesting.
//
// Two rules are stricter than the language:
//   - an unknown function, a wrong number of arguments or an argument whose
//     type can never fit is an error of Compile, not of some later Eval;
//   - a reference that nobody resolves yields empty, but what the reference
//     itself tells (Patient/7) is enough for `resolve() is Patient`.
//
// The package does no I/O, reads no clock (Context.Now), keeps no state between
// evaluations, writes nothing for trace() (Context.Trace), and puts no value of a resource into
// an error: messages name types and positions in the expression only.
//
//   - https://hl7.org/fhirpath/N1/
//   - https://hl7.org/fhir/R4/fhirpath.html
package fhirpath
