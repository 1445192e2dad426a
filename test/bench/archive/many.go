package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tenon/dicomweb/index"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/store"
)

// A large archive: one study is stored through the door, then its rows are
// written again under other UIDs, names and dates, a study a unit, by the commit
// of the store. Its files are not there: only queries are asked.

// seriesOfMany is how many series a study of the large archive has.
const seriesOfMany = 4

// many fills an archive with studies of so many instances each and gives how
// long queries over it take.
func many(ctx context.Context, data string, studies, each, n int) (string, error) {
	folder := data
	if folder == "" {
		made, err := os.MkdirTemp("", "tenon-bench-many-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(made)
		folder = made
	}
	a := &archive{seed: 1}
	model := a.series(1, 512)
	_, again := os.Stat(filepath.Join(folder, "db"))
	if err := withOurs(ctx, folder, func(us *peer) error {
		if again == nil {
			return nil
		}
		if err := us.admit(ctx, strings.TrimSuffix(us.url, "/dicomweb")+"/fhir", patientID(a.next)); err != nil {
			return err
		}
		return us.stow(ctx, model.Slice(0))
	}); err != nil {
		return "", err
	}
	begun := time.Now()
	c := &copier{each: each}
	if err := c.fill(ctx, folder, model.StudyUID, studies); err != nil {
		return "", err
	}
	filled := time.Since(begun)
	var b strings.Builder
	fmt.Fprintf(&b, "%d studies, %d instances, SQLite; rows written in %.0f s. Medians of %d requests one after the other, with token and audit.\n\n| query | results | ms |\n|---|---|---|\n",
		studies, studies*each, filled.Seconds(), n)
	err := withOurs(ctx, folder, func(us *peer) error {
		for _, q := range c.queries() {
			found, err := us.count(ctx, q[1], dicomJSON)
			if err != nil {
				return err
			}
			took, err := median(n, func(int) error { _, err := us.get(ctx, q[1], dicomJSON); return err })
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "| %s | %d | %.1f |\n", q[0], found, took)
		}
		return nil
	})
	return b.String(), err
}

func withOurs(ctx context.Context, folder string, use func(*peer) error) error {
	us, err := ours(ctx, "tenon", "-serve", folder)
	if err != nil {
		return err
	}
	return errors.Join(use(us), us.stop())
}

// copier writes the rows of a study again and again.
type copier struct {
	each    int
	model   *index.Result
	version *record.Version
	middle  string // UID of a study in the middle
}

// queries are what is asked for, with their names.
func (c *copier) queries() [][2]string {
	return [][2]string{
		{"worklist as OHIF asks (limit=101)", "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060"},
		{"worklist, tenth page", "/studies?limit=101&offset=1010"},
		{"StudyInstanceUID", "/studies?StudyInstanceUID=" + c.middle},
		{"PatientID", "/studies?PatientID=MANY-1207"},
		{"PatientName, exact", "/studies?PatientName=MANY^P01207"},
		{"PatientName, prefix", "/studies?PatientName=MANY^P0120*"},
		{"PatientName, prefix of all, limit=25", "/studies?PatientName=MANY*&limit=25"},
		{"PatientName, inner wildcard", "/studies?PatientName=*P0120*"},
		{"PatientName, fuzzy", "/studies?PatientName=P01207&fuzzymatching=true"},
		{"StudyDate, ten days, limit=101", "/studies?StudyDate=20240110-20240119&limit=101"},
		{"StudyDate and ModalitiesInStudy", "/studies?StudyDate=20240110-20240111&ModalitiesInStudy=CT"},
		{"AccessionNumber", "/studies?AccessionNumber=ACC1207"},
		{"series of a study", "/studies/" + c.middle + "/series"},
		{"instances of a study, limit=25", "/studies/" + c.middle + "/instances?limit=25"},
		{"instances of a study, all", "/studies/" + c.middle + "/instances"},
		{"SOPInstanceUID over all", "/instances?SOPInstanceUID=" + c.middle + ".1.1"},
		{"series of a modality over all, limit=25", "/series?Modality=CT&limit=25"},
		{"instances over all, limit=25", "/instances?limit=25"},
	}
}

// fill reads the model and commits its copies.
func (c *copier) fill(ctx context.Context, folder, study string, studies int) (err error) {
	s, err := store.Open(ctx, store.Options{URL: "sqlite://" + filepath.Join(folder, "db")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for r, err := range s.Images().Instances(ctx, access.Everything{}, index.Key{Study: study}) {
		if err != nil {
			return err
		}
		c.model = r
	}
	if c.model == nil {
		return errors.New("the model study is not there")
	}
	if c.version, err = s.Read(ctx, access.Everything{}, "ImagingStudy", c.model.Study.Resource); err != nil {
		return err
	}
	c.middle = uidOf(studies / 2)
	if last, err := s.Images().Standing(ctx, access.Everything{}, uidOf(studies-1)); err != nil || last != nil {
		return err // a folder of an earlier run
	}
	for n := range studies {
		if err := s.Commit(ctx, c.unit(n)); err != nil {
			return fmt.Errorf("study %d: %w", n, err)
		}
	}
	return nil
}

func uidOf(n int) string { return fmt.Sprintf("1.2.826.0.1.3680043.9.7.%d", n+1) }

// unit is the n-th study with all its rows.
func (c *copier) unit(n int) *record.Unit {
	study, at := c.model.Study, time.Date(2020, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, n%2200)
	study.UID, study.Resource = uidOf(n), fmt.Sprintf("many-%d", n)
	study.PatientID, study.PatientName, study.AccessionNumber = fmt.Sprintf("MANY-%d", n), fmt.Sprintf("Many^P%05d", n), fmt.Sprintf("ACC%d", n)
	study.Date, study.Names = at.Format("20060102"), index.FoldNames(study.PatientName)
	instances, groups := int64(c.each), int64(seriesOfMany)
	study.Instances, study.Series = &instances, &groups
	v := *c.version
	v.ID, v.Version, v.Updated = study.Resource, 1, at
	v.Body = []byte(strings.ReplaceAll(string(v.Body), c.model.Study.Resource, study.Resource))
	v.Digest = sha256.Sum256(v.Body)
	u := &record.Unit{At: time.Now(), Versions: []record.Version{v}, Rows: []any{&study}}
	u.Reads.Versions = []record.VersionRead{{Type: v.Type, ID: v.ID}}
	for _, names := range study.NameValues() {
		u.Rows = append(u.Rows, names)
	}
	for e := range seriesOfMany {
		c.series(u, &study, e)
	}
	return u
}

// series adds one of the series and its instances.
func (c *copier) series(u *record.Unit, study *index.Study, e int) {
	s, number, count := c.model.Series, int64(e+1), int64(c.each/seriesOfMany)
	s.UID, s.Study, s.Number, s.Instances = fmt.Sprintf("%s.%d", study.UID, e), study.UID, &number, &count
	u.Rows = append(u.Rows, &s)
	for k := range count {
		i, ordinal := c.model.Instance, k+1
		i.UID, i.Series, i.Study, i.Number = fmt.Sprintf("%s.%d", s.UID, k), s.UID, study.UID, &ordinal
		i.Content.Digest = sha256.Sum256([]byte(i.UID))
		u.Rows = append(u.Rows, &i)
		u.Blobs = append(u.Blobs, record.BlobRow{Digest: i.Content.Digest, Size: i.Content.Size})
	}
}
