// Package snapshot makes the snapshot of a StructureDefinition of its
// differential and its base: it walks the differential as a tree beside the
// tree of the base, unfolds types, profiles and references to content where the
// differential goes into them, makes slices, merges property by property, and
// refuses whatever would allow more than the base does.
//
// It judges no instance and no text of a definition that the making of the
// snapshot does not need, it expands no value set, and it never changes a byte
// of what it copies: 1.00 stays 1.00. What a hostile differential can ask for
// is bounded in elements, bytes and depth.
//
//   - https://hl7.org/fhir/R4/profiling.html#snapshot
//   - https://hl7.org/fhir/R4/elementdefinition.html#interpretation
package snapshot
