// Package access says who asks and what they can reach. It builds the one
// predicate that every read carries (design law 4) and the table of who may
// write what. It performs no I/O: the store renders the predicate, the doors
// fill the context.
//
// A resource is reached when all of these hold; each is a part of the one
// predicate that Context.ReachTo gives, and a code of urn:tenon:access-rule:
//
//	ground       one of: directory, self, organization, membership (ground.go)
//	stage        a row of case_access, which stands only while the case is open to
//	             the principal (casework writes it with the commit that opens it)
//	level        case_access.ceiling is not below the level of the version
//	consent      no Consent of the patient withholds it (provision.go, withheld.go);
//	             and case_access, which a consent that has ended takes away
//	scopes       where an app is between: one covers verb, type and values
//	compartment  with a scope patient/…: it is about the patient in context
//	emergency    in the place of ground, stage and level, for reading alone
//
// # Doors
//
// Every door hands the predicate to the store, which puts it on each alias of a
// statement. No door decides by itself. test/accesspolicy/doors.tsv names for each
// door and each part of the predicate the test that proves it, or why there is
// none; TestDoors holds it whole, and make leaks shows that the tests of leaks.tsv
// fail in a build without the predicate.
//
//	read          record.Read and ReadVersion
//	search        search.Plan, on root, chain, _has, _include and _revinclude
//	count         the same plan
//	history       record.HistoryOf: the resource as it is, and each version as it was
//	everything    record.Gathering
//	export        record.ExportQuery, each page by who asked, as he is then
//	GraphQL       record.Read and search.Plan
//	subscription  feed: what is told is read by the subscriber when it is told
//	DICOMweb      index.Index, on the ImagingStudy
//	MES           the machine is a principal like others
//	console       the public API, as its person
package access
