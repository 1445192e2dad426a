package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// What patients withhold (access.Unwithheld) is asked of the index rows that
// search makes of a Consent: one token with the hash of its form, a date with its
// period, references to what it names and to who gave it. A record in which nobody
// withholds anything answers by one look at an index, once for a statement.

// foldUnwithheld leaves alone what no Consent is about.
func foldUnwithheld(p access.Unwithheld, types []string) access.Predicate {
	about := func(typ string) bool { return !slices.Contains(access.NeverWithheld, typ) }
	if len(types) > 0 && !slices.ContainsFunc(types, about) {
		return access.Everything{}
	}
	return p
}

// unwithheld appends that no Consent withholds the version v of r from the caller.
func (s *statement) unwithheld(v, r string, p access.Unwithheld) {
	g := s.alias("g")
	s.add("(NOT EXISTS (SELECT 1 FROM token_row "+g+" WHERE "+g+".tenant = ? AND "+g+".key = ?) OR ", s.tenant, int64(search.WithheldKey))
	s.inTexts(v+".type", access.NeverWithheld)
	s.add(" OR CASE WHEN " + v + ".patient <> '' THEN NOT EXISTS (SELECT 1 FROM ")
	s.withholds(v, r, v+".patient", p, false)
	m := s.alias("m")
	c := s.alias("c")
	s.shut().add(" ELSE ").inTexts(v+".type", access.Shared).
		add(" OR NOT EXISTS (SELECT 1 FROM member " + m + " " + s.forced() + " resource " + c + " ON " + c + ".tenant = " + m + ".tenant AND " +
			c + ".type = 'Task' AND " + c + ".id = " + m + ".case_id " + s.forced() + " ")
	s.withholds(v, r, c+".patient", p, true)
	s.add(" AND " + m + ".rid = " + v + ".rid").shut().add(" END)")
}

// withholds appends the Consents of a patient that withhold: their tables and what
// they must meet. Joined, it goes on after others.
func (s *statement) withholds(v, r, patient string, p access.Unwithheld, joined bool) {
	w, k, d := s.alias("w"), s.alias("k"), s.alias("d")
	on := " WHERE "
	if joined {
		s.add("resource " + w + " ON TRUE " + s.forced() + " token_row " + k + " ON TRUE" + on)
	} else {
		s.add("resource " + w + " " + s.forced() + " token_row " + k + " ON TRUE" + on)
	}
	s.add(w+".tenant = ? AND "+w+".type = 'Consent' AND "+w+".patient = "+patient+" AND "+w+".patient <> '' AND "+k+".rid = "+w+".rid AND "+k+".key = ?",
		s.tenant, int64(search.WithheldKey))
	s.add(" AND EXISTS (SELECT 1 FROM date_row "+d+" WHERE "+d+".rid = "+w+".rid AND "+d+".key = ? AND "+d+".low <= ? AND "+d+".high >= ?",
		int64(search.WithheldKey), p.Now, p.Now).shut()
	if typ, id, ok := strings.Cut(p.Giver, "/"); ok {
		t := s.alias("t")
		s.add(" AND "+w+".patient <> ? AND NOT EXISTS (SELECT 1 FROM reference_row "+t+" WHERE "+t+".rid = "+w+".rid AND "+t+".key = ? AND "+t+".type = ? AND "+t+".target = ?",
			p.Giver, int64(search.GiverKey), typ, id).shut()
	}
	s.verdict(v, r, w, k+".code", p)
}

// verdict appends that the form of a Consent withholds: one that is not known does.
func (s *statement) verdict(v, r, w, form string, p access.Unwithheld) {
	if len(p.Passed) > 0 {
		s.add(" AND NOT ").inTexts(form, p.Passed)
	}
	if len(p.Parts) == 0 {
		return
	}
	s.add(" AND CASE")
	for _, part := range p.Parts {
		s.add(" WHEN ").inTexts(form, part.Forms).add(" THEN ")
		s.holds(v, r, w, &part.What)
	}
	s.add(" ELSE TRUE END")
}

// holds appends a condition on the version v of r; of an old version what the index
// tells is not known, and counts as the condition wants it.
func (s *statement) holds(v, r, w string, c *access.Condition) {
	switch {
	case c.Not != nil:
		s.add("NOT (")
		s.holds(v, r, w, c.Not)
		s.add(")")
	case c.All != nil:
		s.each(v, r, w, c.All, " AND ")
	case c.Any != nil:
		s.each(v, r, w, c.Any, " OR ")
	case c.Types != nil:
		s.inTexts(v+".type", c.Types)
	case c.Level != 0 && c.AtMost:
		s.add(v+".level <= ?", int64(c.Level))
	case c.Level != 0:
		s.add(v+".level >= ?", int64(c.Level))
	case v != r && (c.Labels != nil || c.Codes != nil):
		s.add(boolean(!c.Certain))
	case c.Labels != nil:
		s.coded(r, c.Labels)
	case c.Codes != nil:
		s.coded(r, c.Codes)
	case c.Meanings != nil:
		s.named(v, r, w, c)
	default:
		s.add(boolean(c.True))
	}
}

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

func (s *statement) each(v, r, w string, parts []access.Condition, operator string) {
	s.add("(")
	for i := range parts {
		if i > 0 {
			s.add(operator)
		}
		s.holds(v, r, w, &parts[i])
	}
	s.add(")")
}

// coded appends that one of the codes stands anywhere in the resource.
func (s *statement) coded(r string, codes []access.Code) {
	t := s.alias("t")
	s.add("EXISTS (SELECT 1 FROM token_row " + t + " WHERE " + t + ".rid = " + r + ".rid AND (")
	for i, c := range codes {
		if i > 0 {
			s.add(" OR ")
		}
		s.add(t+".code = ? AND "+t+".system = ?", bounded(c.Code), systemOf(c.System))
	}
	s.add(")").shut()
}

// named appends that the Consent w names the resource, in one of the meanings.
// https://hl7.org/fhir/R4/valueset-consent-data-meaning.html
func (s *statement) named(v, r, w string, c *access.Condition) {
	s.add("(")
	for i, meaning := range c.Meanings {
		if i > 0 {
			s.add(" OR ")
		}
		t := s.alias("t")
		s.add("EXISTS (SELECT 1 FROM reference_row "+t+" WHERE "+t+".rid = "+w+".rid AND "+t+".key = ? AND (",
			int64(search.NamedKey(c.Number, meaning)))
		itself := "(" + t + ".type = " + v + ".type AND " + t + ".target = " + r + ".id)"
		switch {
		case meaning == "instance":
			s.add(itself)
		case v != r && meaning != "authoredby":
			s.add(itself + " OR " + boolean(!c.Certain))
		case meaning == "related": // and what it refers to
			s.add(itself + " OR ")
			s.refers(s.alias("x"), t, r, true)
		case meaning == "dependents": // and what refers to it
			s.add(itself + " OR ")
			s.refers(s.alias("x"), t, r, false)
		case c.Certain || v != r: // authoredby
			s.add(v + ".author = " + t + ".type || '/' || " + t + ".target")
			if !c.Certain {
				s.add(" OR TRUE")
			}
		default: // whatever refers to the author may be by him
			s.add(v + ".author = " + t + ".type || '/' || " + t + ".target OR ")
			s.refers(s.alias("x"), t, r, false)
		}
		s.add(")").shut()
	}
	s.add(")")
}

// refers appends that what t names refers to r, or r to that.
func (s *statement) refers(x, t, r string, forth bool) {
	if !forth {
		s.add("EXISTS (SELECT 1 FROM reference_row " + x + " WHERE " + x + ".rid = " + r + ".rid AND " + x + ".type = " + t + ".type AND " + x + ".target = " + t + ".target").shut()
		return
	}
	n := s.alias("n")
	s.add("EXISTS (SELECT 1 FROM resource "+n+" "+s.forced()+" reference_row "+x+" ON "+x+".rid = "+n+".rid WHERE "+n+".tenant = ? AND "+n+".type = "+t+".type AND "+n+".id = "+t+
		".target AND "+x+".type = "+r+".type AND "+x+".target = "+r+".id", s.tenant).shut()
}

// Forms reads the forms in which patients withhold data, by their hashes; those
// that are known already are not read again.
func (s *Store) Forms(ctx context.Context, known map[string]*access.Form) (map[string]*access.Form, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	forms := map[string]*access.Form{}
	err = s.engine.read(ctx, short, func(q querier) error {
		clear(forms)
		hashes, err := formHashes(ctx, q, tenant)
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			if forms[hash] = known[hash]; forms[hash] != nil {
				continue
			}
			if forms[hash], err = oneForm(ctx, q, tenant, hash); err != nil {
				return err
			}
			if forms[hash] == nil {
				delete(forms, hash)
			}
		}
		return nil
	})
	return forms, err
}

// mostForms bounds the forms that a server knows; the others withhold all.
const mostForms = 20_000

// formHashes are those of which there is a Consent, by skipping from one to the next.
func formHashes(ctx context.Context, q querier, tenant int64) (hashes []string, err error) {
	key := int64(search.WithheldKey)
	err = each(ctx, q, "WITH RECURSIVE f (code) AS (SELECT min(code) FROM token_row WHERE tenant = ? AND key = ? UNION ALL "+
		"SELECT (SELECT min(t.code) FROM token_row t WHERE t.tenant = ? AND t.key = ? AND t.code > f.code) FROM f WHERE f.code IS NOT NULL) "+
		"SELECT code FROM f WHERE code IS NOT NULL LIMIT ?", []any{tenant, key, tenant, key, int64(mostForms)}, func(c cursor) error {
		var hash string
		err := c.scan(&hash)
		hashes = append(hashes, hash)
		return err
	})
	return hashes, err
}

// oneForm reads a form from a Consent that has it; nil where none has any more.
func oneForm(ctx context.Context, q querier, tenant int64, hash string) (*access.Form, error) {
	var body []byte
	found, err := one(ctx, q, "SELECT r.body FROM token_row t JOIN resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ? AND t.code = ? LIMIT 1",
		[]any{tenant, int64(search.WithheldKey), hash}, &body)
	if err != nil || !found {
		return nil, err
	}
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("store: a consent: %w", err)
	}
	w := access.Withheld(doc.Root())
	if w == nil || w.Form.Hash() != hash {
		return nil, nil // rows of another format: unknown, which withholds
	}
	return &w.Form, nil
}

// Withholding lists the Consents in force that withhold something of a patient, by
// their ids.
func (s *Store) Withholding(ctx context.Context, patient string) (ids []string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	now := micros(s.o.Clock())
	err = s.engine.read(ctx, short, func(q querier) error {
		ids = nil
		return each(ctx, q, "SELECT r.id FROM resource r WHERE r.tenant = ? AND r.type = 'Consent' AND r.patient = ? AND r.patient <> '' AND "+
			"EXISTS (SELECT 1 FROM date_row d WHERE d.rid = r.rid AND d.key = ? AND d.low <= ? AND d.high >= ?) ORDER BY r.id LIMIT 20",
			[]any{tenant, patient, int64(search.WithheldKey), now, now}, func(c cursor) error {
				ids = append(ids, "")
				return c.scan(&ids[len(ids)-1])
			})
	})
	return ids, err
}
