package dicomweb

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

// WADO-URI: one instance, named by parameters alone, as a file or as a picture.
//
//	GET /wado?requestType=WADO&studyUID=…&seriesUID=…&objectUID=…
//
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_9

// wadoURI answers the request.
func (d *Door) wadoURI(w http.ResponseWriter, r *request) error {
	values, err := r.parameters()
	if err != nil {
		return err
	}
	for name := range values {
		if err := knownOfURI(name, values[name]); err != nil {
			return err
		}
	}
	for _, name := range []string{"studyUID", "seriesUID", "objectUID"} {
		if values.Get(name) == "" {
			return badParameter(name, "", "a UID; studyUID, seriesUID and objectUID are needed")
		}
	}
	r.SetPathValue("study", values.Get("studyUID"))
	r.SetPathValue("series", values.Get("seriesUID"))
	r.SetPathValue("instance", values.Get("objectUID"))
	k, err := r.key()
	if err != nil {
		return err
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	types, err := typesOfURI(values, found.first)
	if err != nil {
		return err
	}
	for _, m := range types {
		switch {
		case m.name == partTen:
			if err := d.audit(r, "wado-uri", found.entity(), found.patient()); err != nil {
				return err
			}
			if found.veil != nil {
				return d.veiledOne(w, r, found)
			}
			return d.fileOfURI(w, r, found.first, values.Get("transferSyntax"))
		case m.name == imageJPEG || m.name == imagePNG || m.name == imageGIF:
			return d.pictureOfURI(w, r, found.first, values, m.name)
		}
	}
	return notAcceptable("contentType can be application/dicom, image/jpeg, image/png or image/gif")
}

// knownOfURI refuses what the answer would not follow.
func knownOfURI(name string, values []string) error {
	expected := ""
	switch name {
	case "requestType":
		if values[0] != "WADO" {
			expected = "WADO"
		}
	case "studyUID", "seriesUID", "objectUID", "contentType", "charset", "transferSyntax",
		"rows", "columns", "region", "windowCenter", "windowWidth", "frameNumber", "imageQuality":
	case "anonymize":
		if values[0] != "no" {
			expected = "nothing: instances are answered with all that they say of the patient"
		}
	default:
		expected = "no such parameter"
	}
	if expected == "" && len(values) > 1 {
		expected = "the parameter once"
	}
	if expected != "" {
		return badParameter(name, values[0], expected)
	}
	return nil
}

// typesOfURI are the types that the answer may have, most wanted first: of
// contentType, else of Accept, else a picture of what has one frame, and a file.
func typesOfURI(values url.Values, row *index.Result) ([]media, error) {
	if values.Get("requestType") == "" {
		return nil, badParameter("requestType", "", "WADO")
	}
	var list []media
	for part := range strings.SplitSeq(values.Get("contentType"), ",") {
		if m := parseMedia(part); m.name != "" {
			if m.name == "*/*" || m.name == "image/*" {
				m.name = imageJPEG
			}
			list = append(list, m)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	if frames := row.Instance.Frames; len(row.Instance.Content.Frames) > 0 && (frames == nil || *frames <= 1) {
		return []media{{name: imageJPEG}}, nil
	}
	return []media{{name: partTen}}, nil
}

// fileOfURI answers the file: uncompressed where nothing else is asked for and it
// can be decoded (§9.1.2.2.1), * as it is stored.
func (d *Door) fileOfURI(w http.ResponseWriter, r *request, row *index.Result, syntax string) error {
	stored := row.Instance.TransferSyntax
	want := syntax
	if want == "" {
		want = dicom.ExplicitLittleEndian
	}
	switch {
	case want == "*", want == stored, syntax == "" && !transcodes(row, want):
		return d.retrieveOne(w, r, row, nil)
	case transcodes(row, want):
		return d.transcodedOne(w, r, row, want)
	}
	return notAcceptable("the instance cannot be had in that transferSyntax")
}

// pictureOfURI answers a picture: the parameters in the words of WADO-RS.
func (d *Door) pictureOfURI(w http.ResponseWriter, r *request, row *index.Result, values url.Values, name string) error {
	query := url.Values{}
	if q := values.Get("imageQuality"); q != "" {
		query.Set("quality", q)
	}
	center, width := values.Get("windowCenter"), values.Get("windowWidth")
	if (center == "") != (width == "") {
		return badParameter("windowCenter", center, "windowCenter and windowWidth together")
	}
	if center != "" {
		query.Set("window", center+","+width+",linear")
	}
	view, err := viewOfURI(values, row)
	if err != nil {
		return err
	}
	if view != "" {
		query.Set("viewport", view)
	}
	inner := &request{Request: r.Clone(r.Context()), who: r.who, base: r.base}
	inner.URL.RawQuery = query.Encode()
	want, err := inner.rendering()
	if err != nil {
		return err
	}
	want.media = name
	if n := values.Get("frameNumber"); n != "" {
		if want.numbers, err = frameList(n); err != nil {
			return err
		}
		if len(want.numbers) > 1 {
			return badParameter("frameNumber", n, "one number")
		}
	}
	if err := haveFrames(row, want.numbers); err != nil {
		return err
	}
	return d.renderOne(w, r, row, want, "wado-uri")
}

// viewOfURI makes a viewport of rows, columns and region, whose corners are parts
// of the whole from 0 to 1.
func viewOfURI(values url.Values, row *index.Result) (string, error) {
	size := [2]string{values.Get("columns"), values.Get("rows")}
	for i, name := range []string{"columns", "rows"} {
		if _, err := strconv.ParseUint(size[i], 10, 16); size[i] != "" && err != nil {
			return "", badParameter(name, size[i], "a number of pixels")
		}
	}
	whole := [2]*int64{row.Instance.Columns, row.Instance.Rows}
	region := values.Get("region")
	if size == [2]string{} && region == "" {
		return "", nil
	}
	for i := range size {
		if size[i] == "" {
			size[i] = strconv.Itoa(maxViewport) // the other one, or the picture, decides
		}
	}
	view := size[0] + "," + size[1]
	if region == "" {
		return view, nil
	}
	if whole[0] == nil || whole[1] == nil {
		return "", badParameter("region", region, "a picture that tells its size")
	}
	corners := strings.Split(region, ",")
	if len(corners) != 4 {
		return "", badParameter("region", region, "xmin,ymin,xmax,ymax from 0 to 1")
	}
	var at [4]float64
	for i, c := range corners {
		f, err := strconv.ParseFloat(strings.TrimSpace(c), 64)
		if err != nil || !(f >= 0 && f <= 1) || i >= 2 && f*float64(*whole[i%2]) <= at[i-2] {
			return "", badParameter("region", region, "xmin,ymin,xmax,ymax from 0 to 1, the maximum above the minimum")
		}
		at[i] = f * float64(*whole[i%2])
	}
	if values.Get("columns") == "" && values.Get("rows") == "" {
		view = number64(at[2]-at[0]) + "," + number64(at[3]-at[1])
	}
	for _, f := range []float64{at[0], at[1], at[2] - at[0], at[3] - at[1]} {
		view += "," + strconv.FormatFloat(f, 'f', -1, 64)
	}
	return view, nil
}

// number64 is a length in whole pixels, at least one.
func number64(f float64) string { return strconv.Itoa(max(1, int(f+0.5))) }
