// Package xml carries resources between FHIR XML and the tree of FHIR JSON,
// both ways without loss: ids and extensions of primitives, the alignment of
// repeated ones, decimals as they were written, contained resources, and the
// narrative as it stands in the source.
//
//	XML  → ToJSON → bytes that tree.Parse takes, and that are the record
//	tree → Append → XML in the order of the definitions
//
// Reading is strict, and guided by the definitions: an element that is unknown,
// stands out of order or repeats where it may not is refused with line, column
// and path. There are no DTDs, no entities but the five of XML and character
// references, no external anything; comments, processing instructions and the
// choice of prefixes are not kept. Whether a resource is valid is not judged
// here.
//
//   - https://hl7.org/fhir/R4/xml.html
//   - https://www.w3.org/TR/xml/
//   - https://www.w3.org/TR/xml-names/
package xml
