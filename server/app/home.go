package app

import (
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// home tells a visitor which doors there are, in Chinese and English. The
// console comes later; this page needs no script.
func home(c echo.Context) error {
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return c.HTML(http.StatusOK, homePage)
}

const homePage = `<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tenon 榫</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#222}code{background:#f3f3f0;padding:.1em .3em}dt{font-weight:600;margin-top:1em}</style>
<h1>Tenon 榫</h1>
<p lang="zh">为一位患者定制的医疗器械:从知情同意到随访,医与工的每一次交接都可证明。</p>
<p lang="en">Devices made for one patient: every hand-over between hospital and manufacturer, provable.</p>
<dl>
<dt>FHIR R4</dt><dd><a href="/fhir/metadata"><code>/fhir/metadata</code></a></dd>
<dt>DICOMweb</dt><dd><code>/dicomweb/studies</code></dd>
<dt>MES</dt><dd><code>/adapters/mes/news</code></dd>
<dt lang="zh">状态 · State</dt><dd><a href="/healthz"><code>/healthz</code></a> <a href="/readyz"><code>/readyz</code></a></dd>
</dl></html>
`

// welcome prints where to look and lines to paste.
func (a *App) welcome(out io.Writer) {
	base := a.Config.BaseURL
	fmt.Fprintf(out, "Tenon %s serves %s\n", Version, a.root())
	if a.Config.Dev {
		fmt.Fprintln(out, "\n  WARNING: --dev. Requests without a token act as an operator. Never use it with data of real patients.")
		fmt.Fprintf(out, `
  Look:   curl %[1]s/metadata
          curl '%[1]s/PractitionerRole?_count=3'
  Write:  curl -X POST %[1]s/Patient -H 'Content-Type: application/fhir+json' -d '{"resourceType":"Patient","name":[{"text":"张三"}]}'
  Images: curl %[2]s/dicomweb/studies
  Act as a sample person:
          T=$(bin/tenon user token PractitionerRole/clin-wang --data %[3]s)
          curl -H "Authorization: Bearer $T" %[1]s/Patient

`, base, a.root(), a.Config.Data)
	}
}
