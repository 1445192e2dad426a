// Package sample makes a small synthetic CT series: a head phantom of soft
// tissue in a bone shell, with a defect in the bone that an implant would fill.
// The demo and tests store it; no file from outside is needed. The same options
// give the same bytes. It is never a picture of a person.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_A.3
package sample
