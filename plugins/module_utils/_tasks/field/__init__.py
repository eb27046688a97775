# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The field check: what this collection assumes of services, asked of the services themselves."""
