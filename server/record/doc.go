// Package record is the one way in and out of the server: every door hands its
// reads and writes to it, so that no door can forget a step.
//
//	draft → allow → validate → index, grade → gate → commit → audit
//
// A write is a Draft (one operation or many). Submit prepares a Unit from it
// outside any transaction: it checks what the caller may do (access), judges the
// shape (fhir/validate), splices id and meta into the caller's bytes, computes
// index rows (search) and grades, asks casework when a case is touched, and hands
// the Unit with its read set to Store.Commit. If the read set no longer holds, it
// prepares again, so that a gate is always judged on what is committed.
//
// What leaves and which backends come in goes through named channels: Outlet (an
// address), Inlet (a backend) and Confine (who exports, an MES) judge it by the
// directory's Endpoints and the agreements in force; a country that is not on file is
// abroad.
// It knows no HTTP and no SQL.
package record
