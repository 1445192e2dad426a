# Every target says what it does: make help
.DEFAULT_GOAL := help
SEED ?= 1
ARGS ?=
export CGO_ENABLED = 0

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binary into bin/
	@mkdir -p bin
	go build -trimpath -o bin/tenon ./cmd/tenon

run: build ## serve the embedded default with sample data on http://127.0.0.1:8080
	./bin/tenon serve --dev $(ARGS)

demo: build ## show a whole case, from consent to follow-up (SEED=n varies it)
	./bin/tenon demo --seed $(SEED) $(ARGS)

test: ## all tests, on SQLite and, where one can be started, on PostgreSQL
	go vet ./...
	go test -timeout 30m -parallel 4 -p $$((2 * $$(getconf _NPROCESSORS_ONLN))) ./test ./... # the longest first; they wait for disks more than they compute

check: ## formatting, vet and linters
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else echo "golangci-lint is not installed: make tools"; fi

tools: ## install the linters
	go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	go install mvdan.cc/gofumpt@v0.9.2

race: ## race detector over the rooms with concurrency (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 30m ./server/... ./oauth/... ./fhir/fhirpath ./fhir/validate

e2e: build ## the story scripts alone
	go test ./test -run 'Script|Case' -v

fuzz: ## ten minutes of every fuzz function (FUZZTIME=10m)
	./test/fuzz.sh $(or $(FUZZTIME),10m)

prove: ## fifty kills per engine, system calls under strace, every gate row, random walks beside the model: long; writes the dated reports in conformance/results
	TENON_PROVE=1 go test -timeout 180m -count=1 ./test -run 'Kill|PowerLoss' -v
	TENON_GATES=all TENON_GATES_WRITE=$(CURDIR)/conformance/results/gates.tsv go test -timeout 60m -count=1 ./test/casewalk -run Gates
	TENON_WALK_STEPS=$(or $(TENON_WALK_STEPS),20000) TENON_WALK_WRITE=$(CURDIR)/conformance/results/walk.md go test -timeout 600m -count=1 ./test/casewalk -run Walk -v

prove-stow: ## fifty kills per engine while images are stored (half an hour); writes conformance/results/stowkill.md
	TENON_PROVE_STOW=1 go test -timeout 180m -count=1 ./test -run StowKill -v

prove-large: ## an instance of 3 GB and 10,000 instances in one request, both engines: what the memory of the server grows by; writes conformance/results/large.md
	TENON_PROVE_LARGE=1 go test -timeout 60m -count=1 ./test -run LargeImage -v

damage: ## read a million damaged DICOM files and streams (ARGS="-n 10000000 -seed 2"); a crash, a hang or one of more than 64 MB fails
	go run ./test/damage $(ARGS)

mutate: ## take every rule of plans, profiles and limits away in turn: a test must notice (half an hour; ONLY=part of a file's or rule's name)
	go test -count=1 ./profiles -run EveryRuleIsProven -v | grep -v '^    ---\|^=== '
	go run ./test/mutate -only '$(ONLY)' -write conformance/results/mutate.tsv

leaks: ## in a build whose access predicate is true for everybody each test of test/accesspolicy/leaks.tsv must fail
	go run ./test/accesspolicy/leaks

vuln: ## known vulnerabilities of what is called (needs the network)
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

sbom: build ## what the binary was built from, as CycloneDX, into bin/tenon.cdx.json
	go run ./conformance/sbom bin/tenon > bin/tenon.cdx.json

conformance: ## run the official suites (TENON_FHIR_EXAMPLES=folder), write their results and which test proves which row
	TENON_WRITE_RESULTS=$(if $(TENON_FHIR_EXAMPLES),1) go test -count=1 ./conformance
	go test -json ./... | go run ./conformance/generate

fhirpath-diff: ## all search parameters and invariants of R4 over all examples, beside fhirpath.js (needs npm; TENON_R4_PACKAGE=folder of hl7.fhir.r4.examples@4.0.1)
	@mkdir -p bin/fhirpathjs && cp conformance/fhirpathjs/package.json bin/fhirpathjs/
	npm install --silent --no-audit --no-fund --prefix bin/fhirpathjs
	TENON_FHIRPATH_JS=bin/fhirpathjs go run ./conformance/fhirpathjs

ucum-diff: ## all units and many codes beside ucum-lhc (needs npm)
	@mkdir -p bin/ucumlhc && cp conformance/ucumlhc/package.json bin/ucumlhc/
	npm install --silent --no-audit --no-fund --prefix bin/ucumlhc
	TENON_UCUM_LHC=bin/ucumlhc go run ./conformance/ucumlhc

bench: build ## whole-server figures beside the raw engine, in one run
	go run ./test/bench $(ARGS)

access-cost: ## searches over a million resources with the access predicate and without, into conformance/results/access.md
	TENON_WRITE_RESULTS=1 TENON_ACCESS_COST=1000000 nice -n 19 go test ./server/store -run TestPredicateCost -v -timeout 120m

bench-dicom: ## the DICOMweb door beside Orthanc on the same files (ARGS="-orthanc folder of a Debian root that holds it")
	go run ./test/bench/archive -out conformance/results/dicom.md $(ARGS)

bench-dicom-many: ## queries over a million instances (ARGS="-studies 2500 -each 400 -data folder")
	go run ./test/bench/archive $(or $(ARGS),-studies 2500)

bench-engine: ## the FHIR engine's figures beside encoding/json, encoding/xml and a Go map, in one run
	go test -run '^$$' -bench . -cpu 1 ./fhir/tree ./fhir/xml ./fhir/fhirpath ./fhir/validate ./fhir/terminology ./server/search
	cd test/bench/peers && go test -run '^$$' -bench . -cpu 1 .

generate: ## regenerate the embedded definitions (PACKAGE=folder of hl7.fhir.r4.examples@4.0.1)
	go run ./profiles/r4/generate -package $(PACKAGE)

verify: generate ## regenerate and refuse a difference
	git diff --exit-code

.PHONY: help build run demo test check tools race e2e fuzz prove prove-stow prove-large damage conformance fhirpath-diff ucum-diff bench access-cost bench-dicom bench-dicom-many bench-engine generate verify mutate leaks vuln sbom
