// Package deidentify takes out of a DICOM file what tells whose it is, by the
// Basic Application Level Confidentiality Profile and its options (PS3.15 annex
// E). It is pure: bytes in, bytes and a report out.
//
//	token → action of the table → kept · removed · emptied · replaced · shifted
//	        (options change it)
//
// Replacements come from a key: a UID, a patient and the shift of dates are the
// same in every file under one key, and only who holds the key can tell which
// original they belong to, or undo the shift. Without the key nothing leads back.
//
// It never judges pixels or looks into documents: what may show a face or burned
// in text is flagged in the report for a person. Text that would need cleaning by
// its meaning is removed; all private elements are removed.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part15.html#chapter_E
package deidentify

//go:generate go run ./table ../../../shared/testdata/dicom/confidentiality_profile_attributes.json
