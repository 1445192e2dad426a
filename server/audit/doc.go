// Package audit renders rows of the audit: as FHIR AuditEvents in the patterns of
// IHE BALP, and as the audit messages of DICOM that ATNA sends by syslog. The rows
// are the record (server/record, server/ledger); what is made here is never
// stored. It performs no I/O.
//
//	row of operation          pattern
//	read, vread               Read, PatientRead
//	search-type               Query, PatientQuery
//	a write by its action     Create, Update, Delete, and Patient…
//	export, dossier, …        PrivacyDisclosure.Source, one for each patient
//	token                     the shape of ITI-71 (without the raw request, which is not kept)
//	anything refused          the same shape; no profile is claimed
//	other operations          the same shape with subtype operation; no profile
//
// What a row does not say is not made up: a client whose address is unknown has
// the extension data-absent-reason, and the query of a search is its names without
// their values, since those may be data of patients.
package audit
