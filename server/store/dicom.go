package store

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tenon/dicomweb/index"
	"tenon/server/dispatch/feed"
	"tenon/server/record"
)

// doorWriter writes the rows of a door inside a unit.
type doorWriter interface {
	exec(ctx context.Context, sql string, args []any) (int64, error)
	// must is exec of a statement that changes a row, or else the unit is stale.
	must(ctx context.Context, sql string, args []any) error
}

type liteDoor struct{ *liteConn }

func (d liteDoor) must(ctx context.Context, sql string, args []any) error {
	n, err := d.exec(ctx, sql, args)
	if err != nil || n == 0 {
		return staleOr(err)
	}
	return nil
}

func applyDoorRows(ctx context.Context, w doorWriter, tenant int64, rows []any) error {
	for _, row := range rows {
		var err error
		switch row := row.(type) {
		case *index.Study:
			err = writeStudy(ctx, w, tenant, row)
		case *index.Series:
			r := &index.Result{Series: *row}
			own := []any{tenant, row.Study, ordinal(row.Number), row.Institution}
			err = w.must(ctx, upsertSeries, append(own, attributeValues(r, index.SeriesLevel)...))
		case *index.Instance:
			r := &index.Result{Instance: *row}
			err = w.must(ctx, insertInstance, append(instanceValues(tenant, row), attributeValues(r, index.InstanceLevel)...))
		case *index.Value:
			err = writeValues(ctx, w, tenant, row)
		case *index.Held:
			err = writeHeld(ctx, w, tenant, row)
		case *index.Workitem:
			err = writeWorkitem(ctx, w, tenant, row)
		case *index.Change:
			err = w.must(ctx, insertChange, []any{row.Body, tenant, row.Resource})
		case *index.Removal:
			err = remove(ctx, w, tenant, row)
		case *feed.Warrant:
			err = writeWarrant(ctx, w, tenant, row)
		case *record.Erasure:
			err = erase(ctx, w, tenant, row)
		default:
			err = fmt.Errorf("store: unknown door row %T", row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The statements name the store's own columns first and then those of the
// attributes. A UID stays where it is: a study with its resource, a series in
// its study; an instance never changes.
var (
	studyOwn    = []string{"tenant", "resource", "patient"}
	seriesOwn   = []string{"tenant", "study", "ord", "institution"}
	instanceOwn = []string{
		"tenant", "study", "series", "ord", "digest", "size", "pixel_offset", "pixel_length", "deflated",
		"frame_table", "bulk_table", "metadata",
	}
	upsertStudy    = upsert("dicom_study", studyOwn, index.StudyLevel, "resource")
	upsertSeries   = upsert("dicom_series", seriesOwn, index.SeriesLevel, "study")
	insertInstance = insertInto("dicom_instance", append(instanceOwn, attributeColumns(index.InstanceLevel)...)) + " ON CONFLICT DO NOTHING"
)

const (
	deleteNames = "DELETE FROM dicom_name WHERE tenant = ? AND study = ?"
	deleteWords = "DELETE FROM dicom_value WHERE tenant = ? AND uid = ? AND path < '>'" // those of names begin with =
	insertName  = "INSERT INTO dicom_name (tenant, study, folded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	insertValue = "INSERT INTO dicom_value (tenant, path, value, uid) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)

// writeValues adds rows of an extra attribute, or of the words of a name.
func writeValues(ctx context.Context, w doorWriter, tenant int64, v *index.Value) error {
	for _, value := range v.Values {
		if _, err := w.exec(ctx, insertValue, []any{tenant, v.Path, shortened(value), v.UID}); err != nil {
			return err
		}
	}
	return nil
}

func attributeColumns(level index.Level) (names []string) {
	for i := range index.Attributes {
		if index.Attributes[i].Level == level {
			names = append(names, index.Attributes[i].Column)
		}
	}
	return names
}

func insertInto(table string, columns []string) string {
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
}

// upsert replaces every column of a row whose column fixed is the same.
func upsert(table string, own []string, level index.Level, fixed string) string {
	columns := append(own[:len(own):len(own)], attributeColumns(level)...)
	var set []string
	for _, c := range columns {
		if c != "tenant" && c != "uid" && c != fixed {
			set = append(set, c+" = excluded."+c)
		}
	}
	return insertInto(table, columns) + " ON CONFLICT (tenant, uid) DO UPDATE SET " + strings.Join(set, ", ") +
		" WHERE " + table + "." + fixed + " = excluded." + fixed
}

func writeStudy(ctx context.Context, w doorWriter, tenant int64, s *index.Study) error {
	own := []any{tenant, s.Resource, s.Patient}
	if err := w.must(ctx, upsertStudy, append(own, attributeValues(&index.Result{Study: *s}, index.StudyLevel)...)); err != nil {
		return err
	}
	if s.NamesKept {
		return nil
	}
	if _, err := w.exec(ctx, deleteNames, []any{tenant, s.UID}); err != nil {
		return err
	}
	if _, err := w.exec(ctx, deleteWords, []any{tenant, s.UID}); err != nil {
		return err
	}
	for _, name := range s.Names {
		if _, err := w.exec(ctx, insertName, []any{tenant, s.UID, shortened(name)}); err != nil {
			return err
		}
	}
	return nil
}

func instanceValues(tenant int64, i *index.Instance) []any {
	c := &i.Content
	return []any{
		tenant, i.Study, i.Series, ordinal(i.Number), c.Digest[:], c.Size, c.Pixels.Offset, c.Pixels.Length, truth(c.Deflated),
		notNull(c.Frames), notNull(c.Bulk), notNull(c.Metadata),
	}
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// attributeValues are the values of one level in the order of the columns.
func attributeValues(r *index.Result, level index.Level) (values []any) {
	for i := range index.Attributes {
		a := &index.Attributes[i]
		if a.Level != level {
			continue
		}
		switch field := a.Field(r).(type) {
		case *string:
			values = append(values, shortened(*field))
		case **int64:
			if *field == nil {
				values = append(values, nil)
			} else {
				values = append(values, **field)
			}
		}
	}
	return values
}

// ordinal orders by number, and what has none comes last.
func ordinal(number *int64) int64 {
	if number == nil {
		return math.MaxInt64
	}
	return *number
}

// shortened bounds text in a column, whose indexes hold no more. No value of
// PS3.5 §6.2 that can be matched is as long.
func shortened(s string) string {
	head, _ := split(s, 1024)
	return head
}
