// Package terminology answers questions about codes: is this a code of that
// system, of that value set; what does it mean; is it below another; what does
// it map to. It works on the definitions of a library and on large code systems
// that a Source streams.
//
//	definition.Library ─┬→ code systems → tables (20 bytes a concept and its texts)
//	Source ─────────────┘                    ↑ asked by index
//	definition.Library ──→ value sets → clauses: system, list, filters, imports
//
// A value set is kept as what it says, not as what it expands to: whether a
// code is one of it is judged clause by clause, in no memory, and only Expand
// and Codes list. Systems and value sets are compiled when they are first asked
// for; a Server that follows another takes over what has not changed.
//
// It never fetches, and never guesses: a code of a system whose content is not
// known is Unknown, neither right nor wrong. Whatever a definition or a table
// says, an answer ends: imports, hierarchies, regular expressions and
// expansions are bounded.
//
//   - https://hl7.org/fhir/R4/terminology-service.html
//   - https://hl7.org/fhir/R4/valueset.html#compositions
package terminology
