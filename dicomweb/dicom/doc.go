// Package dicom reads DICOM: a streaming tokeniser of Part 10 files, the flat
// data set that it fills, character sets, the DICOM JSON model and the table of
// frame offsets.
//
// It takes hostile bytes: every count, depth, length and inflation is limited
// (see Limits), nothing is allocated from a declared length, and a malformed
// file is an error with its byte offset, never a panic. It performs no I/O but
// on the io.Reader that it is given, never decodes pixels and never writes a
// data set back: the bytes that came in are the record.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html
// https://dicom.nema.org/medical/dicom/current/output/html/part10.html
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F
package dicom
