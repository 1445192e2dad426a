// Package ig reads implementation guides as FHIR NPM packages (.tgz): the
// manifest, the conformance resources in it, and the order in which packages
// that need one another are to be loaded.
//
//	stream → gzip → tar → package/package.json → Manifest
//	                    → package/*.json       → File → visit
//	manifests → Resolve → Plan: what first, what is missing
//
// A package is a stream from a stranger. It is read once, entry by entry, in
// memory that the largest single resource bounds; links, paths that lead out of
// it, names that stand twice and streams that inflate without end are refused.
// The package's own index is not believed: what a file says of itself counts.
//
// It opens no file and no connection: whoever has a reader or a file system
// hands it in. It stores nothing and judges no resource.
//
//   - https://hl7.org/fhir/packages.html
//   - https://docs.npmjs.com/cli/v10/configuring-npm/package-json
package ig
