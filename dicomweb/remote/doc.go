// Package remote asks another DICOMweb server: it stores there (STOW-RS) and
// retrieves from there (WADO-RS), as the operator has registered it.
//
//	files → multipart/related, streamed → STOW-RS → outcome of each instance
//	WADO-RS → multipart/related → one file after the other → take
//
// What comes back is not believed: sizes and numbers are bounded, redirects are
// not followed, and every file goes the way of any that arrives here. The room
// knows neither our archive nor who asks; the client that it is given decides
// which addresses may be dialled.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_10
package remote
