// Package tree parses the JSON of a resource once, strictly, into a reusable
// arena of nodes that point into the original bytes. Validation, FHIRPath,
// indexing, patching and masking all walk that one tree.
//
// It never changes a byte of what was sent, never builds a map or a struct of
// it, and never guesses: whatever RFC 8259 or I-JSON (RFC 7493) leaves open to
// readings (duplicate names, bad UTF-8, lone surrogates, a byte order mark) is
// refused, with line, column and path.
//
// Strings that a node hands out share memory with the source: who parses must
// not write to the source afterwards. A Doc may be read by many goroutines at
// once; parsing into it again makes all its earlier nodes meaningless.
//
//   - https://www.rfc-editor.org/rfc/rfc8259
//   - https://www.rfc-editor.org/rfc/rfc7493
//   - https://hl7.org/fhir/R4/json.html
package tree
