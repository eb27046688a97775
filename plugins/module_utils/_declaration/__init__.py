# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user declares, keys and apps, read once into frozen values; every fault is found here, all at once."""
