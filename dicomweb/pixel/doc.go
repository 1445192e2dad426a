// Package pixel turns the pixel data of DICOM into samples and samples into
// pictures: decoders and encoders of the transfer syntaxes, photometric
// interpretations, the Modality and VOI transformations, scaling.
//
//	stream → Decode → Frame → Render (modality → window → presentation) → image
//	                        → Encode → stream in another transfer syntax
//
// The streams are hostile: the size of a frame is judged from the Format before
// anything is allocated, a stream that tells another size is refused, and every
// decoder does work in proportion to the stream and the frame, never panics and
// never reads beyond the stream. The room does no I/O and knows neither HTTP nor
// files: see the dicomweb door.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_8
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.3
package pixel
