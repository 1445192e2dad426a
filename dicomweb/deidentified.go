package dicomweb

import (
	"archive/zip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"tenon/dicomweb/deidentify"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// De-identified copies (PS3.15 annex E):
//
//	POST /studies/{study}[/series/{series}[/instances/{instance}]]/deidentify[?retain=uids,device]
//
// The body is the key that replacements come from, 32 bytes or more: the caller
// holds it, the server uses it once and keeps nothing of it. The answer is a ZIP
// archive of the files under their new UIDs, with report.json, which says what was
// done and what a person must look at, and names no original.

// maxKey bounds the key, minDistinct the bytes of it that must differ.
const (
	maxKey      = 4096
	minDistinct = 8
)

// deidentified answers it.
func (d *Door) deidentified(w http.ResponseWriter, r *request) error {
	if err := sender(r.who); err != nil {
		return err
	}
	if r.who.Kind != access.Operator && !slices.ContainsFunc(judges, r.who.Has) {
		return issue.Errorf(issue.Forbidden, "%s makes no de-identified copies: a person of the hospital with the role IMG, DBA or ADMIN does.", r.who.Principal).
			Rule("deidentify-role").Chinese("仅医院影像操作员、数据管理员或平台管理员可导出去标识影像。")
	}
	k, err := r.key()
	if err != nil {
		return err
	}
	o, err := deidentification(r)
	if err != nil {
		return err
	}
	o.Limits = d.o.Limits
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := d.audit(r, "deidentify", found.entity(), found.patient()); err != nil {
		return err
	}
	return d.writeDeidentified(w, r, found, o)
}

// deidentification reads options and key.
func deidentification(r *request) (o deidentify.Options, err error) {
	given, err := r.parameters()
	if err != nil {
		return o, err
	}
	for name, values := range given {
		if name != "retain" || len(values) != 1 {
			return o, unknownParameter(name)
		}
		for one := range strings.SplitSeq(values[0], ",") {
			if deidentify.Names[one] == 0 {
				return o, badValue(name, one, "full-dates, modified-dates, uids, device, patient or institution")
			}
			o.Retain |= deidentify.Names[one]
		}
	}
	if o.Retain&deidentify.FullDates != 0 && o.Retain&deidentify.ModifiedDates != 0 {
		return o, badValue("retain", given.Get("retain"), "full-dates or modified-dates, not both,")
	}
	key, err := io.ReadAll(io.LimitReader(r.Body, maxKey+1))
	if err != nil {
		return o, err
	}
	distinct := map[byte]bool{}
	for _, b := range key {
		distinct[b] = true
	}
	if len(key) < 32 || len(key) > maxKey || len(distinct) < minDistinct {
		return o, issue.Errorf(issue.Required, "The body is the key that replacements come from: 32 to %d random bytes. Keep it: only it leads back.", maxKey).
			Rule("deidentify-key").WithStatus(http.StatusBadRequest).Chinese("请求体须为去标识密钥：至少 32 个随机字节。")
	}
	o.Key = key
	return o, nil
}

// deidentifiedFile is one line of the report.
type deidentifiedFile struct {
	File      string   `json:"file"`
	Pseudonym string   `json:"pseudonym"`
	Removed   int      `json:"removed"`
	Emptied   int      `json:"emptied"`
	Replaced  int      `json:"replaced"`
	Shifted   int      `json:"shifted"`
	Risks     []string `json:"risks,omitempty"`
}

// writeDeidentified streams the archive; what fails in the middle breaks it off, so
// that nobody takes a part for the whole.
func (d *Door) writeDeidentified(w http.ResponseWriter, r *request, found *found, o deidentify.Options) error {
	w.Header().Set("Content-Type", archiveZIP)
	w.Header().Set("Content-Disposition", `attachment; filename="deidentified.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	archive := zip.NewWriter(w)
	uid := o.Key.UID
	if o.Retain&deidentify.UIDs != 0 {
		uid = func(s string) string { return s }
	}
	report := []*deidentifiedFile{}
	err := found.each(func(row *index.Result) error {
		name := uid(row.Series.UID) + "/" + uid(row.Instance.UID) + ".dcm"
		out, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return err
		}
		file, err := d.open(r.Context(), &row.Instance.Content)
		if err != nil {
			return err
		}
		done, err := deidentify.Apply(out, file, o)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
		report = append(report, &deidentifiedFile{name, done.Pseudonym, done.Removed, done.Emptied, done.Replaced, done.Shifted, done.Risks})
		return nil
	})
	if err == nil {
		var body []byte
		if body, err = marshal(object{"method": "PS3.15 annex E, basic profile", "files": report}); err == nil {
			var out io.Writer
			if out, err = archive.CreateHeader(&zip.FileHeader{Name: "report.json", Method: zip.Deflate}); err == nil {
				_, err = out.Write(body)
			}
		}
	}
	if err != nil {
		d.o.Log(r.Context(), "dicomweb deidentify", err)
		panic(http.ErrAbortHandler)
	}
	return ignore(archive.Close())
}
