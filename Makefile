# SPDX-License-Identifier: GPL-2.0-only
# make            build .build/flushaudit (needs no root and no BTF)
# make check      unit tests      make asan    the same under ASan and UBSan
# make lint       format and static checks
# make install    DESTDIR, PREFIX honoured
# V=1 shows the commands.

BUILD   ?= .build
PREFIX  ?= /usr/local
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
ARCH    := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
TRIPLE  := $(shell $(CC) -print-multiarch)
VERSION := 0.1.0

LIBS      := libbpf sqlite3 mount
CFLAGS    ?= -O2 -g
WARNINGS  := -Wall -Wextra -Werror -Wtype-limits -Wshadow -Wstrict-prototypes
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	-Iuser -Ibpf -I$(BUILD) $(shell pkg-config --cflags $(LIBS))
LDLIBS     = $(shell pkg-config --libs $(LIBS)) -lelf -lz
BPF_CFLAGS = -g -O2 -Wall -Wextra -Werror -Wno-unused-parameter -target bpf -mcpu=v2 \
	-D__TARGET_ARCH_$(ARCH) -I/usr/include/$(TRIPLE)

# The object that defines the maps comes first: the linker of libbpf 1.1 needs it so.
BPF_SOURCES  := bpf/state.bpf.c $(filter-out bpf/state.bpf.c,$(wildcard bpf/*.bpf.c))
USER_SOURCES := $(wildcard user/*.c user/cmd/*.c user/report/*.c)
TEST_SOURCES := $(wildcard tests/unit/test_*.c)
BPF_OBJECTS  := $(BPF_SOURCES:%.c=$(BUILD)/%.o)
USER_OBJECTS := $(USER_SOURCES:%.c=$(BUILD)/%.o)
LIB_OBJECTS  := $(filter-out $(BUILD)/user/main.o,$(USER_OBJECTS))
TESTS        := $(TEST_SOURCES:%.c=$(BUILD)/%)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check asan lint install clean

all: $(BUILD)/flushaudit

$(BUILD)/flushaudit: $(USER_OBJECTS)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/user/%.o: user/%.c $(BUILD)/flushaudit.skel.h $(BUILD)/schema.h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bpf/%.o: bpf/%.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/flushaudit.bpf.o: $(BPF_OBJECTS)
	$(call say,LINK,$@)$(BPFTOOL) gen object $@ $^

$(BUILD)/flushaudit.skel.h: $(BUILD)/flushaudit.bpf.o
	$(call say,GEN,$@){ echo '/* NOLINTBEGIN: not our code */'; \
		$(BPFTOOL) gen skeleton $< name flushaudit_bpf; echo '/* NOLINTEND */'; } > $@

# The schema as a C string, each line quoted.
$(BUILD)/schema.h: user/schema.sql
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB_OBJECTS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(filter %.o,$^) -lcmocka $(LDLIBS)

$(BUILD)/tests/unit/test_ledger: $(BUILD)/tests/unit/model.o

$(BUILD)/tests/unit/model.o: tests/unit/model.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

check: $(TESTS)
	@for t in $(TESTS); do echo "# $$t"; CMOCKA_MESSAGE_OUTPUT=TAP $$t || exit 1; done

asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' \
		$(or $(GOAL),check)

lint:
	scripts/lint

install: all
	install -D -m 755 $(BUILD)/flushaudit $(DESTDIR)$(PREFIX)/bin/flushaudit

clean:
	rm -rf $(BUILD)

-include $(BPF_OBJECTS:.o=.d) $(USER_OBJECTS:.o=.d) $(TESTS:=.d) $(BUILD)/tests/unit/model.d
