# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks about In-App Purchase keys: the file, and the key at App Store Connect."""
