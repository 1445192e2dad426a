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
// statement. No door decides by itself. Each row names the test that fails in a
// build without the predicate (make leaks); TestDoors of test/accesspolicy holds
// this table.
//
//	door           carries it by                        proved by
//	read, vread    record.Read, record.ReadVersion      TestDifferential/read, /vread
//	search         search.Plan, each alias              TestDifferential/type, /chain, /has, /include, /revinclude, /count
//	history        record.HistoryOf                     TestDifferential/type_history, /history
//	$everything    record.Gathering                     TestDifferential/everything
//	$export        record.ExportQuery                   TestDifferential/an_export_holds_what_the_policy_allows
//	GraphQL        record.Read, search.Plan             TestDifferential/graphql
//	subscription   feed, at each delivery               TestSubscription
//	DICOMweb       index.Index, on the ImagingStudy     TestDifferential/qido, TestAttack
//	MES            record.Read as the machine           TestAttack
//	console        the public API, as its person        TestDifferential
package access
