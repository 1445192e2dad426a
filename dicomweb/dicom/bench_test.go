package dicom_test

import (
	"bytes"
	"testing"

	"tenon/dicomweb/dicom"
)

// The CT of 512×512×16 bits with 277 elements, as it arrives.
func BenchmarkRead(b *testing.B) {
	file := sample(b, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm")
	for name, o := range map[string]dicom.Options{"header": {StopAtPixels: true}, "whole": {}} {
		b.Run(name, func(b *testing.B) {
			var reader dicom.Reader
			r := bytes.NewReader(file)
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(file)
				if _, err := reader.Read(r, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	f := read(b, sample(b, "transfer-syntaxes/CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm"))
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer, _ = f.AppendJSON(buffer[:0], jsonOptions)
	}
	b.SetBytes(int64(len(buffer)))
}
