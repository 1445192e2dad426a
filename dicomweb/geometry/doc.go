// Package geometry measures what the headers of images say of how they were
// made: how thick slices are and how far apart, how fine the pixels, whether a
// slice is missing, whether the gantry was tilted, and what was done to the
// pixels (lossy compression, derivation, burned-in text, filter, algorithm,
// rescaling).
//
//	DICOM JSON of each instance ── Read ── Image ── Measure ── Report
//
// It is pure and never looks at pixels. It judges nothing: what is allowed is
// said by the protocol of an examination, and held against by the gate.
package geometry
