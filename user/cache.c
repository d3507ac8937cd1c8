// SPDX-License-Identifier: GPL-2.0-only
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nvme_ioctl.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stack_tree.h"

#define NVME_IDENTIFY	       0x06
#define NVME_IDENTIFY_SIZE     4096
#define NVME_IDENTIFY_CTRL     1 /* CNS */
#define NVME_IDENTIFY_VWC      525
#define NVME_GET_FEATURES      0x0a
#define NVME_FEATURE_VWC       0x06
#define SCSI_MODE_SENSE_10     0x5a
#define SCSI_CACHING_PAGE      0x08
#define SCSI_CACHING_WCE       0x04
#define SCSI_MODE_HEADER_10    8
#define DRIVE_ANSWER_WITHIN_MS 5000

struct answer {
	enum cache_claim claim;
	char *detail;
	size_t size;
};

static int answer_set(struct answer *answer, enum cache_claim claim, const char *detail)
{
	answer->claim = claim;
	snprintf(answer->detail, answer->size, "%s", detail);
	return 0;
}

static int answer_none(struct answer *answer, int errnum, const char *why)
{
	answer_set(answer, CACHE_CLAIM_UNKNOWN, why);
	return -errnum;
}

/* As above, for a system call that failed. */
static int answer_error(struct answer *answer, int errnum, const char *what)
{
	answer->claim = CACHE_CLAIM_UNKNOWN;
	snprintf(answer->detail, answer->size, "%s: %s", what, strerror(errnum));
	return -errnum;
}

static int open_drive(const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "/dev/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *c = path; *c; c++) {
		if (*c == '!') /* how sysfs writes a slash in a device name */
			*c = '/';
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int nvme_vwc(int fd, struct answer *answer)
{
	uint8_t identify[NVME_IDENTIFY_SIZE] = {0};
	struct nvme_admin_cmd command = {
		.opcode = NVME_IDENTIFY,
		.addr = (uintptr_t)identify,
		.data_len = sizeof(identify),
		.cdw10 = NVME_IDENTIFY_CTRL,
		.timeout_ms = DRIVE_ANSWER_WITHIN_MS,
	};
	struct nvme_admin_cmd feature = {
		.opcode = NVME_GET_FEATURES,
		.cdw10 = NVME_FEATURE_VWC,
		.timeout_ms = DRIVE_ANSWER_WITHIN_MS,
	};
	int ret = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);

	/* A positive number is the drive's own status code. */
	if (ret)
		return answer_error(answer, ret < 0 ? errno : EIO, "NVMe Identify failed");
	if (!(identify[NVME_IDENTIFY_VWC] & 1))
		return answer_set(answer, CACHE_CLAIM_NONE,
				  "the drive reports no volatile cache (VWC 0)");
	/* It has one; whether it is on is a feature of its own, which the kernel never reads. */
	if (ioctl(fd, NVME_IOCTL_ADMIN_CMD, &feature) == 0 && !(feature.result & 1))
		return answer_set(answer, CACHE_CLAIM_NONE,
				  "the drive's volatile cache is switched off (feature 6)");
	return answer_set(answer, CACHE_CLAIM_VOLATILE,
			  "the drive reports a volatile cache (VWC 1)");
}

static int nvme_claim(const char *root, const char *name, struct answer *answer)
{
	unsigned int subsystem;
	unsigned int controller;
	char device[64];
	int fd;
	int ret;

	if (root[0])
		return answer_none(answer, ENODEV, "the NVMe drive was not asked");
	/* A path below a multipath head has no device node, but its controller has one. */
	if (sscanf(name, "nvme%uc%un", &subsystem, &controller) == 2)
		snprintf(device, sizeof(device), "nvme%u", controller);
	else if (snprintf(device, sizeof(device), "%s", name) >= (int)sizeof(device))
		return answer_none(answer, ENAMETOOLONG, "the NVMe drive was not asked");
	fd = open_drive(device);
	if (fd < 0)
		return answer_error(answer, -fd, "the NVMe drive could not be opened");
	ret = nvme_vwc(fd, answer);
	close(fd);
	return ret;
}

/* MODE SENSE of the caching page: the drive's answer and not sd's memory of it. */
static int scsi_wce(int fd, bool *wce)
{
	uint8_t command[10] = {SCSI_MODE_SENSE_10, 0x08 /* no block descriptor */,
			       SCSI_CACHING_PAGE};
	uint8_t page[64] = {0};
	uint8_t sense[32] = {0};
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = sizeof(command),
		.mx_sb_len = sizeof(sense),
		.dxfer_len = sizeof(page),
		.dxferp = page,
		.cmdp = command,
		.sbp = sense,
		.timeout = DRIVE_ANSWER_WITHIN_MS,
	};
	size_t at;

	command[8] = sizeof(page);
	if (ioctl(fd, SG_IO, &io) < 0)
		return -errno;
	if (io.status || io.host_status || io.driver_status)
		return -EIO;
	at = SCSI_MODE_HEADER_10 + ((size_t)page[6] << 8 | page[7]);
	if (at + 2 >= sizeof(page) || (page[at] & 0x3f) != SCSI_CACHING_PAGE)
		return -EBADMSG;
	*wce = page[at + 2] & SCSI_CACHING_WCE;
	return 0;
}

static int scsi_ask(const char *name, struct answer *answer)
{
	bool wce = false;
	int fd = open_drive(name);
	int ret;

	if (fd < 0)
		return answer_error(answer, -fd, "the drive could not be opened");
	ret = scsi_wce(fd, &wce);
	close(fd);
	if (ret)
		return answer_error(answer, -ret,
				    "the drive did not tell (MODE SENSE, caching page)");
	if (wce)
		return answer_set(answer, CACHE_CLAIM_VOLATILE,
				  "the drive says its write cache is on (caching page WCE 1)");
	return answer_set(answer, CACHE_CLAIM_NONE,
			  "the drive says its write cache is off (caching page WCE 0)");
}

/*
 * sd's cache_type reads "write through" in three cases: the drive said so, it
 * was told to believe so ("temporary write through"), or the drive did not
 * answer and sd assumed it. So it proves a cache, but no absence of one: then
 * the drive is asked again. Not on USB: the kernel itself does not dare to ask
 * those for the caching page, some hang on it.
 */
static int scsi_claim(const char *root, const char *name, const char *type, struct answer *answer)
{
	char path[PATH_MAX];

	if (strncmp(type, "write back", strlen("write back")) == 0)
		return answer_set(answer, CACHE_CLAIM_VOLATILE,
				  "the drive says write back (cache_type)");
	if (strcmp(type, "write through") != 0 && strcmp(type, "none") != 0)
		return answer_none(answer, ENODATA, "the drive did not tell its cache type");
	if (stack_tree_real(root, path, "sys/class/block/%s", name) == 0 && strstr(path, "/usb"))
		return answer_none(answer, EOPNOTSUPP,
				   "a USB drive is not asked for its caching page");
	if (!root[0])
		return scsi_ask(name, answer);
	return answer_set(answer, CACHE_CLAIM_NONE, "the drive says write through (cache_type)");
}

static bool scsi_cache_type(const char *root, const char *name, char *type, size_t size)
{
	DIR *dir = stack_tree_open(root, "sys/class/block/%s/device/scsi_disk", name);
	const char *address;

	if (!dir)
		return false;
	address = stack_tree_next(dir);
	if (address)
		stack_tree_read(root, type, size,
				"sys/class/block/%s/device/scsi_disk/%s/cache_type", name, address);
	closedir(dir);
	return address;
}

static int nbd_claim(const char *root, const char *name, struct answer *answer)
{
	char flags[1024];

	if (stack_tree_read(root, flags, sizeof(flags), "sys/kernel/debug/nbd/%s/flags", name) >
		    0 &&
	    strstr(flags, "NBD_FLAG_SEND_FLUSH"))
		return answer_set(answer, CACHE_CLAIM_VOLATILE, "the NBD server offers flush");
	return answer_none(answer, ENODATA, "the NBD server offers no flush");
}

static int ask(const char *root, const char *name, struct answer *answer)
{
	char type[64] = "";

	if (strncmp(name, "nvme", 4) == 0)
		return nvme_claim(root, name, answer);
	if (strncmp(name, "nbd", 3) == 0)
		return nbd_claim(root, name, answer);
	if (scsi_cache_type(root, name, type, sizeof(type)))
		return scsi_claim(root, name, type, answer);
	/* virtio_blk reads this one from the device's configuration each time. */
	if (stack_tree_read(root, type, sizeof(type), "sys/class/block/%s/cache_type", name) < 0)
		return answer_none(answer, ENODATA, "the drive did not tell its cache type");
	if (strcmp(type, "write back") == 0)
		return answer_set(answer, CACHE_CLAIM_VOLATILE,
				  "the drive says write back (cache_type)");
	if (strcmp(type, "write through") == 0)
		return answer_set(answer, CACHE_CLAIM_NONE,
				  "the drive says write through (cache_type)");
	return answer_none(answer, EBADMSG, "the drive's cache type is not understood");
}

int cache_drive_claim(const char *root, const char *name, enum cache_claim *claim, char *detail,
		      size_t size)
{
	struct answer answer = {.claim = CACHE_CLAIM_UNKNOWN, .detail = detail, .size = size};
	int ret = ask(root, name, &answer);

	*claim = answer.claim;
	return ret;
}
