package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/ledger"
)

// gone adds what the case had and what was destroyed when its retention had
// ended: the leaves, the certificates and the deletions.
func (d dossiers) gone(ctx context.Context, out *ledger.Dossier, caseID string) error {
	members, certificates, err := d.a.Store.Gone(ctx, caseID)
	if err != nil {
		return err
	}
	ours := map[string]bool{}
	for _, m := range members {
		ours[m.Type+"/"+m.ID] = true
	}
	read := map[string]bool{}
	for i, m := range members {
		if ref := certificates[i]; !read[ref] {
			read[ref] = true
			if err := d.certificate(ctx, out, ref, ours); err != nil {
				return err
			}
		}
		if err := d.history(ctx, out, m.Type, m.ID); err != nil {
			return err
		}
	}
	return nil
}

// certificate adds a certificate, and of what it names that which is the case's:
// versions of its members, and all contents, which have no name.
func (d dossiers) certificate(ctx context.Context, out *ledger.Dossier, ref string, ours map[string]bool) error {
	id := strings.TrimSuffix(strings.TrimPrefix(ref, "Binary/"), "/_history/1")
	if err := d.history(ctx, out, "Binary", id); err != nil {
		return err
	}
	v, err := d.a.Store.ReadVersion(ctx, access.Everything{}, "Binary", id, 1)
	if err != nil {
		return err
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		return err
	}
	content, err := base64.StdEncoding.DecodeString(doc.Root().Field("data").Str())
	if err != nil {
		return fmt.Errorf("app: %s: %w", ref, err)
	}
	var c ledger.ErasureCertificate
	if err := json.Unmarshal(content, &c); err != nil {
		return fmt.Errorf("app: %s: %w", ref, err)
	}
	for _, e := range c.Erased {
		if of, _, _ := strings.Cut(e.Ref, "/_history/"); ours[of] || strings.HasPrefix(e.Ref, "sha-256/") {
			out.Erased = append(out.Erased, ledger.ErasedRow{Ref: e.Ref, Certificate: ref})
		}
	}
	return nil
}
