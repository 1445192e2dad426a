// Package terminology answers questions about codes: is this a code of that
// system, of that value set; what does it mean; is it below another; what does
// it map to. It works on the definitions of a library and on large code systems
// that a Source streams.
//
// It never fetches, and never guesses: a code of a system whose content is not
// known is Unknown, neither right nor wrong.
//
//   - https://hl7.org/fhir/R4/terminology-service.html
//   - https://hl7.org/fhir/R4/valueset.html#compositions
package terminology
