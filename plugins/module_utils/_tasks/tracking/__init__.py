# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks about refund-tracking integrations: of one app, of many, and the credential check alone."""
