package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

// WADO-RS: bulk data.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.5

// bulkdata answers a value that metadata name by BulkDataURI: a binary value as
// one body with ranges or as one part; compressed pixel data as their frames.
func (d *Door) bulkdata(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	row := found.first
	entry, err := bulkOf(&row.Instance.Content, r.PathValue("path"))
	if err != nil {
		return err
	}
	if entry == nil || found.veil.hidesBulk(entry.Path) {
		return absent()
	}
	if x, _ := dicom.SyntaxOf(row.Instance.TransferSyntax); x.Encapsulated && entry.Path == dicom.PixelData.String() {
		return d.allFrames(w, r, row)
	}
	media := entry.Media
	if media == "" {
		media = octetStream
	}
	multipart, ok := chooseBulk(accepted(r.Request), media)
	if !ok {
		return notAcceptable("this value is answered as " + media)
	}
	if err := d.audit(r, "wado-bulkdata", found.entity(), found.patient()); err != nil {
		return err
	}
	return d.writeBulk(w, r, row, entry, media, multipart)
}

// chooseBulk prefers the plain body, which most viewers ask for or accept.
func chooseBulk(ranges []media, name string) (multipart, ok bool) {
	for _, m := range ranges {
		if !m.isMultipart() && (m.covers(name) || m.name == octetStream) {
			return false, true
		}
		if part := m.part(); m.isMultipart() && (part.covers(name) || part.name == octetStream) {
			return true, true
		}
	}
	return false, false
}

func (d *Door) writeBulk(w http.ResponseWriter, r *request, row *index.Result, entry *bulk, media string, multipart bool) error {
	file, err := d.open(r.Context(), &row.Instance.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	body, err := file.section(dicom.Piece{Offset: entry.Offset, Length: entry.Length})
	if err != nil {
		return err
	}
	if entry.Word > 1 {
		body = &swapped{r: body, word: entry.Word}
	}
	if multipart {
		out := newParts(w, media)
		return out.end(out.part(media, r.base+pathOf(row, index.InstanceLevel)+"/bulkdata/"+entry.Path, entry.Length, body))
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Disposition", "attachment") // a stored document never runs in the page
	if seeker, ok := body.(io.ReadSeeker); ok {
		tagAndServe(w, r, row, "-"+entry.Path, seeker)
		return nil
	}
	w.Header().Set("Content-Length", strconv.FormatInt(entry.Length, 10))
	_, err = io.Copy(w, body)
	return aborted(err)
}

// allFrames answers compressed pixel data frame by frame (PS3.18 §8.7.3.5).
func (d *Door) allFrames(w http.ResponseWriter, r *request, row *index.Result) error {
	if len(row.Instance.Content.Frames) == 0 {
		return absent()
	}
	table, err := dicom.ParseFrameTable(row.Instance.Content.Frames)
	if err != nil {
		return err
	}
	numbers := make([]int, table.Count)
	for i := range numbers {
		numbers[i] = i + 1
	}
	s, ok := chooseFrame(accepted(r.Request), row.Instance.TransferSyntax, table.Count == 1)
	if !ok {
		return notAcceptable("the pixel data are compressed in transfer syntax " + row.Instance.TransferSyntax + "; ask for transfer-syntax=*")
	}
	if err := d.audit(r, "wado-bulkdata", "ImagingStudy/"+row.Study.Resource, row.Study.Patient); err != nil {
		return err
	}
	file, err := d.open(r.Context(), &row.Instance.Content)
	if err != nil {
		return err
	}
	defer file.Close()
	return writeFrames(w, r, row, file, table, numbers, s)
}

// swapped turns big endian words into little endian ones on the way.
type swapped struct {
	r    io.Reader
	word int
	rest bytes.Buffer // swapped bytes that nobody took yet
}

func (s *swapped) Read(p []byte) (int, error) {
	if s.rest.Len() == 0 {
		chunk := make([]byte, 32<<10) // a multiple of every word size
		n, err := io.ReadFull(s.r, chunk)
		if n == 0 {
			return 0, err
		}
		s.rest.Write(dicom.Swap(chunk[:n], s.word))
	}
	return s.rest.Read(p)
}
