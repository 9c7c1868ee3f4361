# Penstock. Two targets matter to a newcomer: `make run` and `make test`; README.md says more.
#
#   SAN=address|thread   builds with sanitizers into build-$(SAN)
#   CRASHPOINTS=1        compiles the named crash points in, into build-crash

SERVICES := gateway orders inventory fulfillment returns notify

B := build
ifdef SAN
B := build-$(SAN)
endif
ifdef CRASHPOINTS
B := build-crash
endif
GEN := $(B)/gen

CC ?= gcc
PKGS := libzmq libprotobuf-c libpq libsodium
PKG_CONFIG := pkg-config
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Walloca \
	-Wformat=2 -Wcast-qual -Wconversion -Wsign-conversion -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
OPT := -O2 -D_FORTIFY_SOURCE=3
ifneq ($(filter gcc%,$(notdir $(CC)))$(filter cc,$(CC)),)
HARDEN += -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
WARN += -Warith-conversion
endif
ifeq ($(SAN),address)
OPT := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDSAN := -fsanitize=address,undefined
endif
ifeq ($(SAN),thread)
OPT := -O1 -fsanitize=thread -fno-omit-frame-pointer
LDSAN := -fsanitize=thread
endif
ifdef CRASHPOINTS
OPT += -DPENSTOCK_CRASHPOINTS
endif
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS := -D_GNU_SOURCE -I. -isystem $(GEN)/proto $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
CFLAGS := -std=gnu11 -g $(OPT) $(HARDEN) $(WARN)
LDFLAGS := $(LDHARDEN) $(LDSAN)
LDLIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lconfig -lpthread

# One word a file; V=1 shows the commands.
Q := $(if $(V),,@)

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: console console-check console-if-possible build run test check bench campaign clean install-deps install-test-deps format unit-tests

build: # every binary, below
clean:
	rm -rf build build-address build-thread build-crash

# ---- the contract ----
PROTOS := $(sort $(wildcard proto/penstock/*/v1/*.proto))
PB_C := $(PROTOS:proto/%.proto=$(GEN)/proto/%.pb-c.c)
PB_O := $(PB_C:.c=.o)
$(GEN)/proto/%.pb-c.c $(GEN)/proto/%.pb-c.h &: proto/%.proto
	@mkdir -p $(GEN)/proto
	@echo "  GEN  $@"
	$(Q)protoc-c -Iproto --c_out=$(GEN)/proto $<
$(GEN)/proto/%.pb-c.o: $(GEN)/proto/%.pb-c.c | $(PB_C)
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -g $(OPT) $(HARDEN) -w -c -o $@ $<

# ---- the platform ----
COMMON_SRC := $(sort $(wildcard common/*.c))
COMMON_GEN := $(GEN)/common/platform_queries.c $(GEN)/common/platform_migrations.c
COMMON_O := $(COMMON_SRC:%.c=$(B)/%.o) $(COMMON_GEN:.c=.o) $(PB_O)
$(GEN)/common/platform_queries.h: common/platform.sql tools/sqlgen.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v kind=h -v prefix=P -v table=platform_queries -f tools/sqlgen.awk $< >$@
$(GEN)/common/platform_queries.c: common/platform.sql tools/sqlgen.awk $(GEN)/common/platform_queries.h
	@echo "  GEN  $@"
	$(Q)awk -v kind=c -v prefix=P -v table=platform_queries -f tools/sqlgen.awk $< >$@
$(GEN)/common/platform_migrations.c: $(sort $(wildcard common/migrations/*.sql)) tools/migrations.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v table=platform_migrations -v count=platform_nmigrations -v label=platform/ -f tools/migrations.awk $(filter %.sql,$^) >$@
$(B)/common/%.o: common/%.c $(PB_C) $(GEN)/common/platform_queries.h Makefile
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -I$(GEN)/common -DPENSTOCK_VERSION='"$(VERSION)"' $(CFLAGS) -MD -c -o $@ $<
$(GEN)/%.o: $(GEN)/%.c
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -I$(@D) $(CFLAGS) -MD -c -o $@ $<
$(B)/libcommon.a: $(COMMON_O)
	@echo "  AR   $@"
	$(Q)rm -f $@; ar rcs $@ $^

# ---- a service: services/<name>/*.c, queries*.sql, migrations/*.sql ----
# Libraries beyond the platform's.
gateway_LIBS := -lmicrohttpd -lcurl -lz
notify_LIBS := -lcurl
orders_LIBS := -lcsv
# Generated sources beyond queries and migrations: notify carries its templates.
notify_MORE_GEN := $(GEN)/notify/letter_files.c
$(GEN)/notify/letter_files.c: $(sort $(wildcard services/notify/templates/*)) tools/files.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v header=services/notify/letter_files.h -v type=letter_file -v table=letter_files \
	    -v count=letter_nfiles -f tools/files.awk $(filter-out %.awk,$^) >$@
# And the gateway the passwords that everybody tries.
gateway_MORE_GEN := $(GEN)/gateway/password_files.c
$(GEN)/gateway/password_files.c: services/gateway/common_passwords.txt tools/files.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v header=services/gateway/password.h -v type=password_file -v table=password_files \
	    -v count=password_nfiles -f tools/files.awk $(filter-out %.awk,$^) >$@
# The gateway carries the pages of customers.
gateway_MORE_GEN += $(GEN)/gateway/customer_files.c
$(GEN)/gateway/customer_files.c: $(sort $(wildcard services/gateway/customer/*)) tools/files.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v header=services/gateway/customer_internal.h -v type=customer_file -v table=customer_files \
	    -v count=customer_nfiles -f tools/files.awk $(filter-out %.awk,$^) >$@
# Its tests compare the JSON reader with another's.
gateway_TEST_LIBS := -ljansson

define service_rules
$(1)_SRC := $$(sort $$(wildcard services/$(1)/*.c))
$(1)_GEN := $(GEN)/$(1)/queries.c $(GEN)/$(1)/migrations.c
$(1)_O := $$($(1)_SRC:%.c=$(B)/%.o) $$($(1)_GEN:.c=.o) $$($(1)_MORE_GEN:.c=.o)
$(GEN)/$(1)/queries.h: $$(sort $$(wildcard services/$(1)/queries*.sql)) tools/sqlgen.awk
	@mkdir -p $$(@D)
	@echo "  GEN  $$@"
	$$(Q)awk -v kind=h -v prefix=Q -v table=queries -f tools/sqlgen.awk $$(filter %.sql,$$^) >$$@
$(GEN)/$(1)/queries.c: $$(sort $$(wildcard services/$(1)/queries*.sql)) $(GEN)/$(1)/queries.h
	@echo "  GEN  $$@"
	$$(Q)awk -v kind=c -v prefix=Q -v table=queries -f tools/sqlgen.awk $$(filter %.sql,$$^) >$$@
$(GEN)/$(1)/migrations.c: $$(sort $$(wildcard services/$(1)/migrations/*.sql)) tools/migrations.awk
	@mkdir -p $$(@D)
	@echo "  GEN  $$@"
	$$(Q)awk -v table=$(1)_migrations -v count=$(1)_nmigrations -v label= -f tools/migrations.awk $$(filter %.sql,$$^) >$$@
$(B)/services/$(1)/%.o: services/$(1)/%.c $(PB_C) $(GEN)/$(1)/queries.h Makefile
	@mkdir -p $$(@D)
	@echo "  CC   $$@"
	$$(Q)$$(CC) $$(CPPFLAGS) -I$(GEN)/$(1) $$(CFLAGS) -MD -c -o $$@ $$<
$(B)/bin/penstock-$(1): $$($(1)_O) $(B)/libcommon.a
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$($(1)_O) $(B)/libcommon.a $$($(1)_LIBS) $$(LDLIBS)
ifneq ($$($(1)_SRC),)
build: $(B)/bin/penstock-$(1)
endif
# Tests of one service link all of it but its main.
$(B)/tests/unit/$(1)_%_test: tests/unit/$(1)_%_test.c $$($(1)_O) $(B)/libcommon.a
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	$$(Q)$$(CC) $$(CPPFLAGS) -I$(GEN)/$(1) -Iservices/$(1) $$(CFLAGS) $$(LDFLAGS) -MD -o $$@ $$< \
	    $$(filter-out %/main.o,$$($(1)_O)) $(B)/libcommon.a $$($(1)_LIBS) $$($(1)_TEST_LIBS) -lcmocka $$(LDLIBS)
# Those that talk to the running service need its binary.
$(B)/tests/unit/$(1)_service_test: $(B)/bin/penstock-$(1)
endef
$(foreach s,$(SERVICES),$(eval $(call service_rules,$(s))))
$(B)/tests/unit/orders_imports_test $(B)/tests/unit/orders_lists_test: $(B)/bin/penstock-orders
$(B)/tests/unit/inventory_orders_test $(B)/tests/unit/inventory_speed_test: $(B)/bin/penstock-inventory

# ---- the command line: it knows every schema's migrations, for `migrate` ----
CLI_SRC := $(sort $(wildcard cli/*.c))
CLI_SQL := $(sort $(wildcard cli/verify*.sql))
CLI_O := $(CLI_SRC:%.c=$(B)/%.o) $(GEN)/cli/verify_queries.o \
	$(foreach s,$(SERVICES),$(GEN)/$(s)/migrations.o)
$(GEN)/cli/verify_queries.h: $(CLI_SQL) tools/sqlgen.awk
	@mkdir -p $(@D)
	@echo "  GEN  $@"
	$(Q)awk -v kind=h -v prefix=V -v table=verify_queries -f tools/sqlgen.awk $(CLI_SQL) >$@
$(GEN)/cli/verify_queries.c: $(CLI_SQL) $(GEN)/cli/verify_queries.h
	@echo "  GEN  $@"
	$(Q)awk -v kind=c -v prefix=V -v table=verify_queries -f tools/sqlgen.awk $(CLI_SQL) >$@
$(B)/cli/%.o: cli/%.c $(PB_C) $(GEN)/cli/verify_queries.h Makefile
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -I$(GEN)/cli -DPENSTOCK_VERSION='"$(VERSION)"' $(CFLAGS) -MD -c -o $@ $<
$(B)/bin/penstock: $(CLI_O) $(B)/libcommon.a
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(CLI_O) $(B)/libcommon.a $(LDLIBS)
ifneq ($(CLI_SRC),)
build: $(B)/bin/penstock
endif

# ---- the console: build/console, which the gateway serves as it is ----
# Its types come from the protos and the table of routes. `build` goes on without it where there is no npm or no registry.
CONSOLE_SRC := $(shell find console -name node_modules -prune -o -type f ! -name '*.gen.ts' -print)
CONSOLE_NODE := console/node_modules/.package-lock.json
console: build/console/index.html
$(CONSOLE_NODE): console/package-lock.json
	@echo "  NPM  $(@D)"
	$(Q)cd console && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
console/src/api/schema.gen.ts: console/scripts/schema.mjs $(PROTOS) services/gateway/routes_table.c
	@echo "  GEN  $@"
	$(Q)node console/scripts/schema.mjs $@ && touch $@
build/console/index.html: $(CONSOLE_SRC) $(CONSOLE_NODE) console/src/api/schema.gen.ts
	@mkdir -p build
	$(Q)node console/scripts/build.mjs build/console
console-check: $(CONSOLE_NODE) console/src/api/schema.gen.ts
	console/node_modules/.bin/tsc -p console
	node console/scripts/test.mjs
ifeq ($(B),build)
ifneq ($(shell command -v npm),)
build: console-if-possible
endif
endif
console-if-possible:
	@$(MAKE) --no-print-directory console || echo "The console was not built; make console says why."

# ---- a newcomer's commands ----
HOME_FOLDER := var
HTTP := 127.0.0.1:8080
run: install-deps
	$(MAKE) -j2 build
	tools/run $(B)/bin/penstock $(HOME_FOLDER) $(HTTP)
test: install-test-deps
	tools/run-tests test
campaign: install-test-deps
	tools/run-tests campaign
bench: install-test-deps
	$(MAKE) -j2 build
	/usr/bin/python3 tests/bench/bench.py
check: install-test-deps
	$(MAKE) -j2 build
	tools/check
install-deps:
	@tools/install-deps run
install-test-deps:
	@tools/install-deps test
format:
	clang-format -i common/*.[ch] services/*/*.[ch] cli/*.[ch] tests/unit/*.[ch]

# ---- unit and store tests, in C ----
$(B)/tests/unit/common_%_test: tests/unit/common_%_test.c $(B)/libcommon.a
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(CPPFLAGS) -I$(GEN)/common $(CFLAGS) $(LDFLAGS) -MD -o $@ $< $(B)/libcommon.a -lcmocka $(LDLIBS)
# The two small services that the skeleton is tested with.
$(GEN)/toy/toy.pb-c.c $(GEN)/toy/toy.pb-c.h &: tests/toy/toy.proto
	@mkdir -p $(GEN)/toy
	@echo "  GEN  $@"
	$(Q)protoc-c -Itests/toy --c_out=$(GEN)/toy $<
$(GEN)/toy/toy.pb-c.o: $(GEN)/toy/toy.pb-c.c
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -g $(OPT) $(HARDEN) -w -c -o $@ $<
$(B)/tests/toy/toy: tests/toy/toy.c $(GEN)/toy/toy.pb-c.o $(B)/libcommon.a
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(GEN)/toy $(CFLAGS) $(LDFLAGS) -MMD -o $@ $< $(GEN)/toy/toy.pb-c.o $(B)/libcommon.a $(LDLIBS)
$(B)/tests/toy/world.o $(B)/tests/toy/stream.o: $(B)/tests/toy/%.o: tests/toy/%.c $(GEN)/toy/toy.pb-c.h
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(GEN)/toy $(CFLAGS) -MD -c -o $@ $<
WORLD_O := $(B)/tests/toy/world.o $(B)/tests/toy/stream.o $(GEN)/toy/toy.pb-c.o
$(B)/tests/unit/common_service_%_test: tests/unit/common_service_%_test.c $(WORLD_O) $(B)/libcommon.a $(B)/tests/toy/toy
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(GEN)/toy $(CFLAGS) $(LDFLAGS) -MMD -o $@ $< $(WORLD_O) $(B)/libcommon.a -lcmocka $(LDLIBS)
$(B)/tests/toy/bench: tests/toy/bench.c $(B)/tests/toy/world.o $(GEN)/toy/toy.pb-c.o $(B)/libcommon.a $(B)/tests/toy/toy
	@echo "  LINK $@"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(GEN)/toy $(CFLAGS) $(LDFLAGS) -MMD -o $@ $< $(B)/tests/toy/world.o $(GEN)/toy/toy.pb-c.o $(B)/libcommon.a $(LDLIBS)
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/unit/*_test.c)))
unit-tests: $(UNIT_TESTS)

# A header that was moved or removed: whoever included it is compiled again, and says so if it still does.
services/%.h common/%.h: ;
-include $(wildcard $(B)/common/*.d $(B)/services/*/*.d $(B)/cli/*.d $(B)/tests/unit/*.d)
