# Everything here is a plain command too; see CONTRIBUTING.md.

.PHONY: test ci bench soak

test:
	go test ./...

ci:
	bash .ci/run

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Resumable: SOAK_TIME=1h SOAK_TARGETS=cur make soak
soak:
	bash .ci/soak
